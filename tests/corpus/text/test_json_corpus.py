"""Any JSON lines and arrays are read as Python's `json` reads them, or a record says why not.

Values are made by chance from a seed: numbers of every size, escapes, white space, line separators
of Unicode, half surrogates, deep nesting, repeated keys; and texts that are nearly JSON, each kind
of fault that RFC 8259 leaves no room for.
"""

import json
import math
import time
from random import Random
from typing import Any, NamedTuple

import pytest

from fanout.records import Record
from tests.support.text_sources import TextRead, read_text

BLOBS = 150
# What the parser takes at least. Python's own limit is that of its stack.
SURE_DEPTH = 150
BIG = 10**25 + 7

NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "0.1",
    "1e5",
    "1E5",
    "1e+5",
    "1E-5",
    "1.5e300",
    "123456789.123456789",
    "1e-400",
    "4.9e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    str(BIG),
    "9" * 400,
    "-" + "9" * 4300,
    "0.1e1",
    "1" * 100 + "e-90",
    "0." + "3" * 400,
    "1" * 300 + "e5",
    "0e400",
    "0.0e99999",
    "1e0000000000001",
]
OVERFLOWS = [
    "1e400",
    "-1e400",
    "1E+400",
    "1e309",
    "1.7976931348623159e308",
    "1e0400",
    "1e99999999999999",
    "9" * 400 + ".5",
    "1" + "0" * 250 + "e70",
    "123456789e305",
    "-" + "1" * 320 + "E0",
]
TEXTS = [
    '""',
    '"a"',
    r'"\""',
    r'"\\"',
    r'"\/"',
    r'"\b\f\n\r\t"',
    r'"\u0041"',
    r'"\u0000"',
    r'"\u2028"',
    r'"\ud83d\ude00"',
    r'"\uD83D\uDE00"',
    '"\u2028\u2029\x85"',
    '"\x7f\xa0\ufeff"',
    '"Zoë 日本 😀"',
    r'"\\u0041"',
    '"[1,{]"',
    '"1e400"',
    '"NaN"',
    '"\uffff\U0010ffff"',
    '"//"',
]
HALF_PAIRS = [
    r'"\ud83d"',
    r'"\ude00"',
    r'"\ud83dx"',
    r'"\ud83d\ud83d"',
    r'"\ud83d\u0041"',
    r'"\udc00\ud800"',
]
FAULTS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "nan",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "-",
    "1e",
    "1e+",
    "0x10",
    "1_000",
    "tru",
    "True",
    "None",
    "undefined",
    "'a'",
    '"a',
    '"\t"',
    '"\0"',
    r'"\x41"',
    r'"\u12"',
    r'"\a"',
    '"a" "b"',
    "[",
    "]",
    "[1",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,,2]",
    "{",
    "}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{a:1}",
    "{1:1}",
    '{"a":1 "b":2}',
    '{"a"::1}',
    "[1]]",
    "1,2",
    "1 2",
    "// 1",
    "/* */1",
    "1 # x",
    "\x0c1",
    "1\x0b",
    "\xa01",
    "\u20281",
    "1\x85",
    "\ufeff",
    "[\ufeff]",
    '{"a":1}}',
    "[1}",
    "",
    '["\udce9"]',
    '"\udcff"',
]
WHITE = ["", "", "", " ", "\t", " \t "]


class Item(NamedTuple):
    """A value as it is written.

    Attributes:
        text: Of JSON, or nearly; surrogates stand for bytes that are no UTF-8.
        is_limited: Whether JSON has it, and Fanout may refuse it: half a pair, deep nesting.
    """

    text: str
    is_limited: bool = False


def make_item(chance: Random, line_feed: str) -> Item:
    """Make a value, well-formed in five of six cases."""
    kind = chance.random()
    if kind < 0.1:
        return Item(chance.choice(FAULTS))
    if kind < 0.13:
        text = chance.choice(OVERFLOWS)
        return Item(chance.choice([text, f"[{text}]", f'{{"a":[1,{{"b":{text}}}]}}']))
    if kind < 0.16:
        return Item(f'{{"a":{chance.choice(HALF_PAIRS)}}}', is_limited=True)
    if kind < 0.18:
        depth = chance.choice([50, SURE_DEPTH, 190, 199, 200, 201, 300, 5000])
        return Item("[" * depth + "]" * depth, is_limited=depth > SURE_DEPTH)
    if kind < 0.19:
        return Item("7" * chance.choice([4301, 5000]), is_limited=True)
    return Item(_make_value(chance, 0, [*WHITE, *([line_feed] if line_feed else [])]))


def _make_value(chance: Random, depth: int, white: list[str]) -> str:
    kind = chance.random()
    blank = chance.choice(white)
    if depth > 3 or kind < 0.4:
        text = chance.choice([*NUMBERS, *TEXTS, "true", "false", "null"])
    elif kind < 0.7:
        values = (_make_value(chance, depth + 1, white) for _ in range(chance.randint(0, 4)))
        text = "[" + ",".join(values) + blank + "]"
    else:
        members = (
            chance.choice(['"a"', '"b"', '""', r'"\u0061"', '"日本"', '"__proto__"'])
            + blank
            + ":"
            + _make_value(chance, depth + 1, white)
            for _ in range(chance.randint(0, 4))
        )
        text = "{" + blank + ",".join(members) + "}"
    return chance.choice(white) + text + chance.choice(white)


def oracle_value(text: str) -> tuple[bool, Any]:
    """Tell whether a text is JSON in UTF-8 whose numbers Python holds; give its value."""
    try:
        value = json.loads(text.encode(errors="surrogateescape"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False, None
    return not _has_infinity(value), value


def _refuse(name: str) -> None:
    raise ValueError(name)


def _has_infinity(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(map(_has_infinity, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and math.isinf(value)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same, types, signs of zero and the order of keys included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    return bool(one == other)


def check_record(record: Record, item: Item, error_type: str) -> None:
    is_value, value = oracle_value(item.text)
    if is_value and not (item.is_limited and record.error is not None):
        assert record.error is None, (item.text[:200], record.error)
        assert is_same(record.value, value), (item.text[:200], record.value)
        return
    assert record.value is None and record.error is not None, (item.text[:200], record.value)
    assert record.error.type in (error_type, "EncodingError")
    assert record.error.message.startswith(f"line {record.line}: ")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def is_blank(line: str) -> bool:
    return not line.strip(" \t\r")


def check_lines(chance: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(chance, "\r") for _ in range(chance.randint(0, 10))]
    ending = chance.choice(["\n", "\r\n"])
    # A first item that is a byte order mark itself has one before it, or it would be none.
    text = chance.choice(["" if items[:1] != [Item("\ufeff")] else "\ufeff", "\ufeff"])
    numbered = []
    for item in items:
        for _ in range(chance.choice([0, 0, 0, 1, 3])):
            text += chance.choice(["", " ", "\t "]) + ending
        if not is_blank(item.text):
            numbered.append((text.count("\n") + 1, item))
        text += item.text + ending
    if chance.random() < 0.5:
        text = text.removesuffix(ending)
    found = read_text(encode(text), {"kind": "jsonl"}, chance, monkeypatch)
    assert found.refusal is None
    assert [record.line for record in found.records] == [line for line, _ in numbered]
    for record, (_, item) in zip(found.records, numbered, strict=True):
        check_record(record, item, "JsonLineError")


def check_array(chance: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that are JSON, or are so wrong that the array around them stays one."""
    items = [make_item(chance, "\n") for _ in range(chance.randint(0, 10))]
    items = [item for item in items if item.text.strip() and _keeps_structure(item.text)]
    document = "[" + ",".join(item.text for item in items) + "]"
    pointer = chance.choice(["", "/rows", "/rows/1/a~1b"])
    if pointer == "/rows":
        document = f'{{"meta":[1,{{}}],"rows": {document}, "rest": 1}}'
    elif pointer:
        document = f'{{"rows":[0,{{"x":"]","a/b":\n{document}}}]}}'
    found: TextRead = read_text(
        encode(chance.choice(["", "\ufeff"]) + document),
        {"kind": "json", "pointer": pointer},
        chance,
        monkeypatch,
    )
    assert found.refusal is None, document
    assert len(found.records) == len(items)
    for record, item in zip(found.records, items, strict=True):
        check_record(record, item, "JsonItemError")


def _keeps_structure(text: str) -> bool:
    """Whether quotes and brackets close and no comma stands outside them."""
    depth, in_text, position = 0, False, 0
    while position < len(text):
        character = text[position]
        position += 1
        if in_text:
            position += character == "\\"
            in_text = character != '"'
        elif character == '"':
            in_text = True
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if depth < 0:
                return False
        elif character == "," and depth == 0:
            return False
    return depth == 0 and not in_text and position == len(text)


CHECKS = [check_lines, check_array]


@pytest.mark.parametrize("check", CHECKS)
def test_any_json_is_read_as_python_reads_it(check, monkeypatch):
    for seed in range(BLOBS):
        try:
            check(Random(seed), monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.parametrize("text", [*NUMBERS, *TEXTS, *OVERFLOWS, *HALF_PAIRS, *FAULTS])
def test_each_value_alone_is_as_in_python_or_refused(text, monkeypatch):
    item = Item(text, is_limited=text in HALF_PAIRS)
    found = read_text(encode(f"1\n{text}\n2\n"), {"kind": "jsonl"}, Random(0), monkeypatch)
    first, *records, last = found.records
    assert (first.value, last.value) == (1, 2)
    assert len(records) == (not is_blank(text))
    for record in records:
        check_record(record, item, "JsonLineError")


@pytest.mark.chaos
@pytest.mark.parametrize("check", CHECKS)
def test_any_json_is_read_for_longer(check, monkeypatch, chaos_seconds):
    end = time.monotonic() + chaos_seconds / 16
    while time.monotonic() < end:
        seed = Random().randrange(2**32)
        try:
            check(Random(seed), monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
