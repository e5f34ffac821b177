"""Texts of errors, whatever their classes make of them."""

import sys

import pytest

from localhost import texts
from localhost.texts import describe_error, format_stack, make_printable


class TextExits(Exception):
    def __str__(self):
        sys.exit(1)

    __repr__ = __str__


class NameFails(type):
    @property
    def __name__(cls):
        raise KeyboardInterrupt


class Nameless(Exception, metaclass=NameFails):
    pass


class Hidden(Exception):
    @property
    def __traceback__(self):
        raise SystemExit


class OwnText(str):
    def __str__(self):
        raise SystemExit


class OwnTextError(Exception):
    def __str__(self):
        return OwnText("own")


class NotesExit(Exception):
    @property
    def __notes__(self):
        raise SystemExit


def deep_group():
    error = ValueError("leaf")
    for _ in range(5000):
        error = ExceptionGroup("level", [error])
    return error


def cycle():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    return one


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (ValueError("caf\udce9"), "ValueError: caf\\udce9"),
        (TextExits(), "TextExits: (its text cannot be made: SystemExit)"),
        (Nameless("x"), "Nameless: x"),
        (OwnTextError(), "OwnTextError: own"),
        (type("Ü\n", (Exception,), {})("x"), "Ü\n: x"),
        (ExceptionGroup("all", [TextExits()]), "ExceptionGroup: all (1 sub-exception)"),
    ],
)
def test_an_error_is_described_whatever_it_is(error, text):
    described = describe_error(error)
    assert described == text
    assert type(described) is str


@pytest.mark.parametrize(
    "error",
    [
        TextExits(),
        Nameless(),
        Hidden(),
        OwnTextError(),
        NotesExit(),
        deep_group(),
        cycle(),
        SyntaxError("odd", ("f\udce9", "x", 5, object(), "y", -1)),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "caf\udce9"),
        BaseExceptionGroup("group", [SystemExit(), KeyboardInterrupt()]),
    ],
    ids=lambda error: type.__dict__["__name__"].__get__(type(error)),
)
def test_every_error_has_a_stack_that_can_be_encoded(error):
    try:
        raise error
    except BaseException as raised:
        stack = format_stack(raised)
    assert stack.encode()
    assert type.__dict__["__name__"].__get__(type(error)) in stack


def test_frames_of_hidden_files_at_the_head_are_left_out():
    try:
        raise ValueError("x")
    except ValueError as error:
        assert __file__ in format_stack(error)
        assert __file__ not in format_stack(error, frozenset({__file__}))


def test_a_text_of_no_use_to_anyone_is_cut(monkeypatch):
    monkeypatch.setattr(texts, "LONGEST_TEXT", 10)
    described = describe_error(ValueError("y" * 25))
    assert described == "ValueError: yyyyyyyyyy... (15 more characters)"


@pytest.mark.parametrize("text", ["", "plain", "ü☃", "a\0b", "\U0001f600"])
def test_text_that_has_bytes_stays(text):
    assert make_printable(text) == text
