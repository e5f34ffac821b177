"""Cookies as Azure sends or refuses them."""

from http.cookies import SimpleCookie

import pytest

from localhost.worker.values.cookies import cookie_header


def _header(text: str) -> str:
    (morsel,) = SimpleCookie(text).values()
    return cookie_header(morsel)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a=1", "a=1"),
        ("a=1; Path=/; HttpOnly; Domain=x.y", "a=1; domain=x.y; path=/; httponly"),
        ("b=2; SameSite=Strict; Secure", "b=2; secure; samesite=strict"),
        ("c=3; SameSite=Odd", "c=3"),
        ('d="x y/z"', "d=x%20y%2Fz"),
        (
            "e=5; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Max-Age=1.5",
            "e=5; expires=Wed, 21 Oct 2026 07:28:00 GMT; max-age=1",
        ),
        ("f=6; Expires=2026-10-21T09:28:00+02:00", "f=6; expires=Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
def test_a_cookie_is_written_as_the_functions_host_does(text: str, header: str) -> None:
    assert _header(text) == header


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a=1; Expires=nonsense", ValueError),
        ("a=1; Expires=99999999999999999999", OverflowError),
        ("a=1; Max-Age=soon", TypeError),
        ("a=1; Max-Age=-1", ValueError),
        ("a=1; Max-Age=nan", ValueError),
        ("a=1; Max-Age=1e30", ValueError),
    ],
)
def test_a_cookie_that_does_not_parse_is_an_error(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _header(text)
