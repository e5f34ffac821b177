"""Cookies of a response: what the Functions worker refuses, and how the host writes the others.

Source: datumdef.py and nullable_converters.py of the worker; ResponseCookies and
SetCookieHeaderValue of ASP.NET Core.
"""

import math
from datetime import UTC, datetime
from email.utils import format_datetime
from http.cookies import Morsel
from urllib.parse import quote

# What a .NET TimeSpan can hold.
_LONGEST_AGE_SECONDS = 922_337_203_685
_SAME_SITES = frozenset({"lax", "strict", "none"})


def cookie_header(morsel: "Morsel[str]") -> str:
    """The value of a Set-Cookie header for a cookie that a function has set.

    Raises:
        ValueError: Its `Expires` is no time, or its `Max-Age` is below 0 or without end.
        OverflowError: Its `Expires` is a time that nobody can reckon with.
        TypeError: Its `Max-Age` is no number.
        RuntimeError: It has an `Expires`, and python-dateutil is not installed.
    """
    parts = [f"{morsel.key}={quote(morsel.value, safe='')}"]
    if morsel["expires"]:
        parts.append(f"expires={_http_date(morsel['expires'])}")
    if morsel["max-age"]:
        parts.append(f"max-age={_seconds(morsel['max-age'])}")
    parts += [f"{name}={morsel[name]}" for name in ("domain", "path") if morsel[name]]
    if morsel["secure"]:
        parts.append("secure")
    if (same_site := morsel["samesite"].lower()) in _SAME_SITES:
        parts.append(f"samesite={same_site}")
    if morsel["httponly"]:
        parts.append("httponly")
    return "; ".join(parts)


def _http_date(text: str) -> str:
    # The app's Python may have none; Azure's worker brings its own.
    try:
        from dateutil import parser  # type: ignore[import-untyped]
    except ImportError as error:
        raise RuntimeError(
            "a cookie's Expires is read with python-dateutil, which the Python of the app does not "
            "have: put it into requirements.txt and install it"
        ) from error
    moment = datetime.fromtimestamp(int(parser.parse(text).timestamp()), UTC)
    return format_datetime(moment, usegmt=True)


def _seconds(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError as error:
        raise TypeError(f"the Max-Age of a cookie must be a number, not '{text}'") from error
    # A fraction below a second is none, on either side of 0.
    if not math.isfinite(seconds) or not -1 < seconds <= _LONGEST_AGE_SECONDS:
        raise ValueError(f"the Max-Age of a cookie cannot be '{text}'")
    return int(seconds)
