"""Values on their way from and to functions."""

from typing import Any

from tests.conformance.registry import CASES, Ask, Case, same, simple

VALUES: dict[str, Any] = {
    "null": None,
    "empty": "",
    "space": " ",
    "text": "text",
    "unicode": "ünï ☃ 😀",
    "zero": 0,
    "minus": -1,
    "p53": 2**53 + 1,
    "p63": 2**63 - 1,
    "p64": 2**64,
    "p70": 2**70,
    "p200": 2**200,
    "half": 1.5,
    "e308": 1e308,
    "tenth": 0.1,
    "em7": 1e-7,
    "one0": 1.0,
    "e22": 1e22,
    "digits17": 0.30000000000000004,
    "minuszero": -0.0,
    "true": True,
    "false": False,
    "list": [],
    "dict": {},
    "nested": {"a": [1, None, {"b": [[]]}], "ü": "ß"},
    "listnull": [None],
    "date": "2026-01-02T03:04:05Z",
    "date_offset": "2026-01-02T03:04:05.1234567+02:00",
    "datelist": ["2026-01-02T03:04:05Z"],
    "msdate": "/Date(1)/",
    "nulltext": "null",
    "numbertext": "123",
    "quotedtext": '"q"',
    "jsontext": '{"a": 1}',
    "nul": "a\u0000b",
    "type": {"$type": "System.Int32, mscorlib"},
    "ref": {"$ref": "1"},
    "id": {"$id": "1", "a": 1},
    "case": {"a": 1, "A": 2},
    "emptykey": {"": 1},
    "slash": 'a/b\\c"d',
    "html": "<b>&amp;</b>",
    "tab": "a\tb\nc\rd",
    "u2028": "\u2028",
    "class": {"__class__": "X", "__module__": "y", "__data__": 1},
}
MADE = (
    "none",
    "empty",
    "space",
    "bytes",
    "tuple",
    "set",
    "datetime",
    "nan",
    "inf",
    "big",
    "jsontext",
    "numbertext",
    "nulltext",
    "quoted",
    "broken",
    "custom",
    "plain",
    "datetext",
    "datetext2",
    "float1",
    "tiny",
    "huge",
    "neg0",
    "surrogate",
    "nul",
    "intkeys",
    "generator",
    "type",
    "dup",
    "ref",
    "id",
    "taskdates",
    "http",
    "false",
    "zero",
    "list",
    "dict",
)
RETURNED = (
    "none",
    "empty",
    "zero",
    "false",
    "list",
    "dict",
    "text",
    "nan",
    "bytes",
    "set",
    "tuple",
    "date",
    "big",
    "custom",
    "long",
    "jsontext",
    "float",
    "unicode",
    "yes",
)

for _key, _value in VALUES.items():
    _is_whole = _key in ("null", "text", "nested", "date")
    simple(f"value_{_key}", "o_value", same(_value), output=not _is_whole)
for _key in MADE:
    simple(f"make_{_key}", "o_make", _key, output=True)
for _key in RETURNED:
    simple(f"return_{_key}", "o_return", _key, output=_key not in ("text", "none", "long"))
simple("no_return", "o_no_return")
simple("unserializable", "o_unserializable")


def big_input(size: int) -> Ask:
    """A large input: does it arrive, and is it shown?"""

    def run(c: Case) -> Any:
        return {
            "start": c.start("o_length", "i" * size)[0],
            "output": c.wait().get("output"),
            "input": len(str(c.status(query="")[2].get("input"))),
        }

    return run


for _size, _key in ((1_000_000, "1m"), (5_000_000, "5m")):
    simple(f"big_{_key}", "o_big", _size, output=True)
    simple(f"bigout_{_key}", "o_bigout", _size, history=False)
    CASES[f"bigin_{_key}"] = big_input(_size)
