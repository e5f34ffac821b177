"""What others wrote never steers the terminal of who reads it, whichever way it is printed."""

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, TextColumn

from cli.commands.items import _COLUMNS
from cli.consoles import VisibleHook, make_markup
from cli.printable import make_visible
from cli.session import fact_table, list_table
from cli.streams import print_json

ODD = [
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x9b31m",
    "\x07",
    "\x08",
    "a\rb",
    "\x7f",
    "\u202egpj",
    "\u2066",
]


def is_harmless(text: str) -> bool:
    """Whether nothing in a text is a control, or changes the direction of what follows."""
    kinds = {unicodedata.category(letter) for letter in text if letter not in "\n\t"}
    directions = {unicodedata.bidirectional(letter) for letter in text}
    return "Cc" not in kinds and not directions & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI"}


def printed(*renderables: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200, highlight=False)
    console.push_render_hook(VisibleHook())
    for one in renderables:
        console.print(one)
    return out.getvalue()


@pytest.mark.parametrize("odd", ODD)
def test_what_steers_a_terminal_is_written_out(odd: str):
    assert is_harmless(make_visible(odd))
    assert make_visible(odd) != odd


@given(st.text())
def test_other_text_stays_as_it_is(text: str):
    visible = make_visible(text)
    assert is_harmless(visible)
    if is_harmless(text) and not set(text) & set("\u2028\u2029\u061c\u200e\u200f\u2069"):
        assert visible == text


@pytest.mark.parametrize("odd", ODD)
def test_no_way_of_printing_lets_it_through(odd: str):
    item = {
        "index": 0,
        "item_id": odd,
        "status": odd,
        "error": {"type": odd, "message": f"[red]{odd}"},
    }
    plain = list_table([odd], [[odd]], ())
    assert is_harmless(printed(odd, plain, fact_table({odd: odd}), f"[bold]{odd}[/]"))
    assert is_harmless(printed(list_table(_COLUMNS.names, [_COLUMNS.cells(item)], ())))


@pytest.mark.parametrize("odd", ODD)
def test_json_for_programs_is_harmless_too_and_says_the_same(odd: str):
    out = io.StringIO()
    print_json({odd: [odd, "[bold]"]}, out)
    assert is_harmless(out.getvalue())
    assert json.loads(out.getvalue()) == {odd: [odd, "[bold]"]}


def test_a_bar_of_progress_is_made_of_markup_that_is_harmless():
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=False)
    with Progress(TextColumn("{task.description}"), console=console) as progress:
        progress.add_task(make_markup("\x1b]0;owned\x07[red]"))
    assert "\\x1b]0;owned\\x07[red]" in out.getvalue()
    assert is_harmless(out.getvalue())
