"""Text that any encoder takes, whatever it came from."""


def make_printable(text: str) -> str:
    r"""Write lone surrogates as escapes (``caf\udce9``): UTF-8 has no bytes for them.

    They come from file names that are not UTF-8 (PEP 383), and from text that was cut within a
    UTF-16 pair.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def describe_error(error: BaseException) -> str:
    """Give the text of an exception, whatever its class makes of `str`."""
    try:
        return make_printable(str(error))
    except BaseException as fault:  # noqa: BLE001  an error's text is user code, too
        return f"(its text cannot be made: {type(fault).__name__})"
