"""Text that any encoder takes, whatever it came from."""

from typing import Any


def make_printable(text: str) -> str:
    r"""Write lone surrogates as escapes (``caf\udce9``): UTF-8 has no bytes for them.

    They come from file names that are not UTF-8 (PEP 383), and from text that was cut within a
    UTF-16 pair.
    """
    if type(text) is str and text.isascii():
        return text
    # A class of its own may have another `encode`.
    return str.encode(text, "utf-8", "backslashreplace").decode()


def describe_error(error: BaseException) -> str:
    """Give the text of an exception, whatever its class makes of `str`."""
    return describe_value(error)


def describe_value(value: Any) -> str:
    """Give the text of any object, whatever its class makes of `str`."""
    try:
        return make_printable(str(value))
    except BaseException as fault:  # noqa: BLE001  the text of an object is user code
        return f"(its text cannot be made: {name_type(fault)})"


def name_type(value: object) -> str:
    """Give the name of an object's class, whatever its metaclass makes of `__name__`."""
    # Not `__name__` of the class itself, which a metaclass may have made a property.
    name: str = type.__dict__["__name__"].__get__(type(value))
    return make_printable(name) or "(a class without a name)"


def describe_failure(error: BaseException) -> str:
    """Give the class of an exception, and its text."""
    return f"{name_type(error)}: {describe_error(error)}"
