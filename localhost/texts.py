"""Texts that any encoder takes, whatever user code or a client made of them."""

import traceback

# More than this of an error's text is of no use to anyone, and the store could not keep it.
LONGEST_TEXT = 250_000_000


def make_printable(text: str) -> str:
    r"""Write lone surrogates as escapes (``caf\udce9``): UTF-8 has no bytes for them.

    In JSON text that is the escape for the same character, so that its value stays.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def is_printable(text: str) -> bool:
    """Whether UTF-8 has bytes for all of a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe_error(error: BaseException) -> str:
    """Give ``ExceptionType: text``, whatever the class makes of its name and its text.

    Never raises, and gives an exact `str`.
    """
    return f"{_class_name(error)}: {_text(error)}"


def format_stack(error: BaseException, hidden_files: frozenset[str] = frozenset()) -> str:
    """Give the traceback of an exception without the frames of some files at its head.

    Never raises: of an exception whose parts cannot be read, only what can be is given.
    """
    try:
        # Not by the attribute: a class of the user's may hide it.
        frame = BaseException.__dict__["__traceback__"].__get__(error)
        while frame is not None and frame.tb_frame.f_code.co_filename in hidden_files:
            frame = frame.tb_next
        text = "".join(traceback.format_exception(type(error), error, frame)).rstrip()
        return _shorten(make_printable(text))
    except BaseException as fault:  # noqa: BLE001  a traceback reads attributes of user code
        return f"{describe_error(error)}\n(its stack cannot be given: {_class_name(fault)})"


def _shorten(text: str) -> str:
    rest = len(text) - LONGEST_TEXT
    return text if rest <= 0 else f"{text[:LONGEST_TEXT]}... ({rest:,} more characters)"


def _class_name(error: BaseException) -> str:
    try:
        # Not by the attribute: a metaclass may have one of its own.
        return _shorten(make_printable(type.__dict__["__name__"].__get__(type(error))))
    except BaseException:  # noqa: BLE001
        return "Exception"


def _text(error: BaseException) -> str:
    try:
        # `str` of a class of the user's own would take its methods along.
        return _shorten(make_printable(str.__str__(str(error))))
    except BaseException as fault:  # noqa: BLE001  an error's text is user code, too
        return f"(its text cannot be made: {_class_name(fault)})"
