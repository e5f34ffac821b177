"""Texts of JSON values that are hostile, by kind: what is chosen of each is chosen by chance.

Most are JSON; some are what only looks like it.
"""

import base64
import gzip
import json
from collections.abc import Callable
from random import Random

from tests.support.hostile.grammar import Grammar
from tests.support.hostile.numbers import NEVER_NUMBERS
from tests.support.hostile.templates import ATTACKS, FIELDS, NO_TEMPLATES

_BOUNDARIES = (
    *("0", "-0", "-1", "1", "1.0", "0.5", "1e-12", "5e-324", "1.7976931348623157e308", "1e308"),
    *("9007199254740993", "18446744073709551616", "-9223372036854775809", "1e15", "2147483648"),
)
_ODD_TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\ufeff",
        "\u2028",
        "\u202eabc",
        "\x1b]0;x\x07",
        "\x7f",
        "\U000e0001",
        "é" * 9,
    ),
    *("=1+1", "＝1+1", "@SUM(A1)", "-1", "\t=1", "%s%n", "{0.__class__}", "{{ 7 * 7 }}", "${x}"),
    *("__class__", "__proto__", "constructor", "None", "null", "true", "NaN", "'; DROP TABLE runs"),
    *(
        "../../x",
        "a//b",
        "a/../b",
        "..",
        ".",
        "\\\\host\\share",
        "/etc/passwd",
        "file:///etc/passwd",
    ),
    *("http://169.254.169.254/", "https://[::1]/", "http://127.0.0.1:7071/api/runs", "ftp://x/"),
    *(
        "a@b",
        '"a b"@c.example',
        "a@b.example\r\nBcc: c@d.example",
        "+999999999999999999",
        "x" * 300,
    ),
    *("10000-01-01T00:00:00Z", "2024-01-01T00:00:00+99:99", "2024-02-30", "0000-00-00T00:00:00Z"),
    *("inbox", "no-such-container", "$logs", "A", "a" * 64, "runs", "azure-webjobs-hosts"),
)
_ESCAPES = ("\\ud800", "\\udfff\\ud800", "\\u0000", "\\uZZZZ", "\\x41", "\\", "\\u00e9" * 50)
_NO_UTF8 = (
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"caf\xe9",
    b"\x00",
)
_WRONG = (
    "null",
    "true",
    "false",
    "0",
    "1.5",
    '""',
    '"x"',
    "[]",
    "{}",
    "[null]",
    '{"a": 1}',
    "[[]]",
)
_SELECTORS = (
    '{"path": "%s"}' % ("a." * 400 + "a"),
    '{"const": {"a": [1, 2, {"b": null}]}}',
    '{"index": false}',
    '{"index": true, "source": true}',
    '{"path": ""}',
    '{"path": "0.-1.1e9.%s"}' % ("9" * 500),
    '{"const": "%s"}' % ("x" * 20_000),
)


def _deep(chance: Random) -> bytes:
    opening, inner, closing = chance.choice(
        [(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'[{"a":', b"1", b"}]"), (b"[", b"1", b"")]
    )
    depth = chance.choice([60, 199, 200, 201, 1_000, 15_000])
    return opening * depth + inner + closing * depth


def _number(chance: Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(NEVER_NUMBERS).encode()
    if kind == 1:
        return chance.choice(_BOUNDARIES).encode()
    if kind == 2:
        digits = chance.choice([20, 400, 4_299, 4_301, 20_000])
        return b"-" * chance.randrange(2) + b"9" * digits + chance.choice([b"", b".5", b"e5"])
    return f"{chance.uniform(-10, 10):.6f}e{chance.randint(-400, 400)}".encode()


def _long_text(chance: Random) -> bytes:
    letter = chance.choice(["x", "é", "\U0001f600", " ", "(", "a.", "\\n", "\\u0000"])
    return f'"{letter * chance.choice([101, 1_001, 1_100, 2_049, 20_000])}"'.encode()


def _odd_text(chance: Random) -> bytes:
    return json.dumps(chance.choice(_ODD_TEXTS), ensure_ascii=chance.random() < 0.5).encode()


def _escape(chance: Random) -> bytes:
    return f'"a{chance.choice(_ESCAPES)}b"'.encode()


def _not_utf8(chance: Random) -> bytes:
    return b'"a' + chance.choice(_NO_UTF8) + b'b"'


def _wrong_type(chance: Random) -> bytes:
    return chance.choice(_WRONG).encode()


def _many_items(chance: Random) -> bytes:
    item = chance.choice([b"1", b'""', b"{}", b"[]", b'"a"', b'{"id": 1}', b"null"])
    return b"[" + b",".join([item] * chance.choice([101, 1_001, 10_001])) + b"]"


def _many_names(chance: Random) -> bytes:
    value = chance.choice([b"1", b"{}", b'["mean"]', b'{"const": 1}', b'"x"'])
    count = chance.choice([101, 1_001, 5_000])
    return b"{" + b",".join(b'"a%d":%b' % (number, value) for number in range(count)) + b"}"


def _long_name(chance: Random) -> bytes:
    name = chance.choice(["n", "é", "\\u0000", "a."]) * chance.choice([1_001, 20_000])
    return f'{{"{name}": {chance.choice(_WRONG)}}}'.encode()


def _same_names(chance: Random) -> bytes:
    name = chance.choice(["id", "kind", "a", "", "const"])
    return f'{{"{name}": 1, "{name}": {chance.choice(_WRONG)}}}'.encode()


def _template(chance: Random) -> bytes:
    if chance.random() < 0.7:
        return json.dumps(Grammar(chance.randrange(10**9), FIELDS).template()).encode()
    return json.dumps(chance.choice([*ATTACKS.values(), *NO_TEMPLATES.values()])).encode()


def _base64(chance: Random) -> bytes:
    data = chance.choice(
        [
            lambda: gzip.compress(b"\0" * chance.choice([1_000, 5_000_000])),
            lambda: gzip.compress(gzip.compress(b"[" * 1_000_000)),
            lambda: b"PAR1" + chance.randbytes(200) + b"PAR1",
            lambda: chance.randbytes(chance.randrange(300)),
            lambda: b"\x28\xb5\x2f\xfd" + chance.randbytes(100),
        ]
    )()
    text = base64.b64encode(data).decode()
    return json.dumps(text if chance.random() < 0.8 else text[:-3] + "%").encode()


def _selector(chance: Random) -> bytes:
    return chance.choice(_SELECTORS).encode()


def _noise(chance: Random) -> bytes:
    return chance.choice(
        [b"", b",", b"}", b"]", b'"', b"/*", b"tru", b"1 1", b"'a'", b"\xef\xbb\xbf1"]
    )


VALUES: dict[str, Callable[[Random], bytes]] = {
    make.__name__.removeprefix("_").replace("_", " "): make
    for make in (
        *(_deep, _number, _long_text, _odd_text, _escape, _not_utf8, _wrong_type, _many_items),
        *(_many_names, _long_name, _same_names, _template, _base64, _selector, _noise),
    )
}


def hostile_value(chance: Random) -> bytes:
    """A value of any kind."""
    return chance.choice([*VALUES.values()])(chance)
