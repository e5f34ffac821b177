"""Any CSV is read as Python's `csv` module reads it, or a record says why it is not.

Texts are made by chance from a seed: every line ending and a mixture, quotes well and badly set,
delimiters, a byte order mark, blank lines, ragged rows, NUL bytes, five encodings, bytes of none.
"""

import csv
import io
import time
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from fanout.records import Record
from tests.support.text_sources import read_text

TEXTS = 500
ENCODINGS = ["utf-8"] * 6 + ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
ENDINGS = [["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]]
PLAIN = ["1", "", "a b", "Zoë", "日本", "😀", "5' 3", "x\u2028y", "x\x85y", "x\x0cy", "NaN", " "]
QUOTED = [*PLAIN, 'say "x"', "a\nb", "a\rb", "a\r\nb", ",;\t|", '"', "\n"]
ODD = ['a"b', '"a"b', '"a" ', '""x', '"', "\0", "x\0y", '""""', '"a\n', "\udce9", "\ud83d"]


@dataclass(frozen=True)
class Case:
    """A CSV.

    Attributes:
        text: What it holds; surrogates stand for bytes that are no character.
        data: Its bytes.
        delimiter: Between its fields.
        names: The names of its columns, where it has no header.
        fields: What the request says of it.
        is_certain: Whether its encoding shows.
    """

    text: str
    data: bytes
    delimiter: str
    names: list[str] | None
    fields: dict[str, Any]
    is_certain: bool


def make_case(chance: Random) -> Case:
    delimiter = chance.choice(",,;\t|")
    endings = chance.choice(ENDINGS)
    width = chance.randint(1, 4)
    names = [f"c{number}" for number in range(width)]
    has_header = chance.random() < 0.8
    oddity = chance.choice([0, 0, 0.05, 0.3])
    rows = [names] if has_header else []
    lines = [delimiter.join(row) for row in rows]
    lines += [_make_line(chance, delimiter, width, oddity) for _ in range(chance.randint(0, 12))]
    body = "".join(
        line + "".join(chance.choices(endings, k=1 + (chance.random() < 0.1))) for line in lines
    )
    if chance.random() < 0.3:
        body = body.rstrip("\r\n")
    sep = ""
    fields: dict[str, Any] = {"kind": "csv", "rows": chance.choice(["strict", "pad"])}
    if chance.random() < 0.2:
        sep = f"sep={delimiter}{endings[0]}"
    elif delimiter != "," or chance.random() < 0.5:
        fields["delimiter"] = delimiter
    if not has_header:
        fields["header"] = names
    encoding = chance.choice(ENCODINGS)
    mark = chance.choice(["", "\ufeff"])
    data = _encode(mark + sep + body, encoding)
    is_certain = mark != "" or (encoding == "utf-8" and "\0" not in body)
    return Case(sep + body, data, delimiter, None if has_header else names, fields, is_certain)


def _make_line(chance: Random, delimiter: str, width: int, oddity: float) -> str:
    if chance.random() < 0.1:
        width += chance.choice([-1, 1, 2])
    return delimiter.join(_make_field(chance, delimiter, oddity) for _ in range(width))


def _make_field(chance: Random, delimiter: str, oddity: float) -> str:
    if chance.random() < oddity:
        return chance.choice(ODD)
    if chance.random() < 0.4:
        return '"' + chance.choice(QUOTED).replace('"', '""') + '"'
    return chance.choice(PLAIN)


def _encode(text: str, encoding: str) -> bytes:
    """Write bytes that are no UTF-8 for half surrogates, or these as they are in UTF-16 and 32."""
    if encoding == "utf-8":
        return text.replace("\ud83d", "\udce9").encode("utf-8", "surrogateescape")
    return text.encode(encoding, "surrogatepass")


@dataclass(frozen=True)
class Row:
    """A row as the oracle reads it.

    Attributes:
        line: On which it begins.
        fields: Its fields.
        is_well_formed: Whether its quotes say where its fields end, and all is text.
    """

    line: int
    fields: list[str]
    is_well_formed: bool


def oracle_rows(case: Case) -> list[Row]:
    lines = list(io.StringIO(case.text, newline=""))
    reader = csv.reader(lines, delimiter=case.delimiter)
    rows, first = [], 0
    for fields in reader:
        own = lines[first : reader.line_num]
        if fields:
            rows.append(Row(first + 1, fields, _is_well_formed(own, case.delimiter)))
        first = reader.line_num
    # A line `sep=;` has the delimiter itself, and so reads as two fields.
    return rows[1:] if rows and rows[0].fields == ["sep=", ""] else rows


def _is_well_formed(lines: list[str], delimiter: str) -> bool:
    try:
        "".join(lines).encode()
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except (csv.Error, UnicodeEncodeError):
        return False
    return True


def expected_value(case: Case, row: Row, columns: list[str]) -> dict[str, str] | None:
    """The value of a row; None where the record must be refused."""
    fields = row.fields
    if case.fields["rows"] == "pad":
        fields = (fields + [""] * len(columns))[: len(columns)]
    if not row.is_well_formed or len(fields) != len(columns):
        return None
    return dict(zip(columns, fields, strict=True))


def check_case(case: Case, chance: Random, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Compare with the oracle; tell whether the text was read."""
    found = read_text(case.data, case.fields, chance, monkeypatch)
    rows = oracle_rows(case)
    columns = case.names or (rows[0].fields if rows else None)
    if case.names is None:
        rows = rows[1:]
    if found.refusal is not None:
        assert columns is None or not case.is_certain, found.refusal
        return False
    assert columns is not None
    assert [record.line for record in found.records] == [row.line for row in rows]
    for record, row in zip(found.records, rows, strict=True):
        check_record(record, expected_value(case, row, columns))
    return True


def check_record(record: Record, value: dict[str, str] | None) -> None:
    if value is not None:
        assert (record.value, record.error) == (value, None)
    else:
        assert record.value is None and record.error is not None
        assert record.error.type in ("CsvRowError", "EncodingError")
        assert record.error.message.startswith(f"line {record.line}: ")


def test_any_csv_is_read_as_python_reads_it(monkeypatch):
    read = 0
    for seed in range(TEXTS):
        chance = Random(seed)
        case = make_case(chance)
        try:
            read += check_case(case, chance, monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {case}") from error
    assert read > 0.9 * TEXTS


@pytest.mark.chaos
def test_any_csv_is_read_for_longer(monkeypatch, chaos_seconds):
    end = time.monotonic() + chaos_seconds / 8
    while time.monotonic() < end:
        seed = Random().randrange(2**32)
        chance = Random(seed)
        case = make_case(chance)
        try:
            check_case(case, chance, monkeypatch)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {case}") from error
