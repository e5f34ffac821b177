"""Texts as tools upload them are read, or refused by name: endings, encodings, compression, `sep=`.

Each goes through Azurite: planned in one pass and in parallel scans, copied where it must be, read
in batches. What is expected is what Python's `csv` and `json` read.
"""

import csv
import gzip
import io
import json
import secrets
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient, ContentSettings
from backports import zstd
from pydantic import TypeAdapter

from activities.batches.item_files import RunItemFiles
from fanout.adapters.blob import API_VERSION, BlobStore
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import Settings, StorageSettings
from fanout.adapters.sources import reading, scans
from fanout.adapters.sources.planning import CutOptions
from fanout.adapters.sources.reading import Scratch
from fanout.errors import InvalidRequestError, PermanentError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, Source
from fanout.records import Record
from fanout.splitting.records import parse_records
from starters import blob as inbox

LIMITS = BatchLimits(max_items=2)
CSV = b"id,n\n1,1\n2,2\n3,3\n"
ROWS = [{"id": "1", "n": "1"}, {"id": "2", "n": "2"}, {"id": "3", "n": "3"}]


@pytest.fixture(scope="module")
def store(storage: str) -> BlobStore:
    return BlobStore.connect(StorageSettings(connection_string=storage))


@pytest.fixture(scope="module")
def service(storage: str) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(storage, api_version=API_VERSION)


@pytest.fixture
def container(store: BlobStore) -> str:
    name = f"c{secrets.token_hex(6)}"
    store.write(name, "made", b"")
    return name


@pytest.fixture
def scratch(store: BlobStore, container: str) -> Scratch:
    return Scratch(store, container, "plan/")


def upload(service: BlobServiceClient, container: str, name: str, data: bytes, encoding: str):
    content = ContentSettings(content_encoding=encoding)
    service.get_blob_client(container, name).upload_blob(data, content_settings=content)


def source(container: str, blob: str, kind: str = "csv", **fields: Any) -> Source:
    wanted = {"kind": kind, "container": container, "blob": blob, **fields}
    return TypeAdapter(Source).validate_python(wanted)


def ranges_of(wanted: Source, scratch: Scratch) -> int:
    """How many ranges a source is scanned in, if each has a kilobyte."""
    return scans.prepare_scans(wanted, CutOptions(LIMITS), scratch, 1000)


def read(wanted: Source, store: BlobStore, made: reading.SourceCuts) -> list[Record]:
    cuts = list(made)
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=max(1, len(cuts)),
        header=made.header,
        delimiter=made.delimiter,
        etag=made.etag,
        length=made.length,
        data=made.data,
        parts=made.parts,
    )
    chunks = (reading.read_chunk(wanted, cut, manifest, store) for cut in cuts)
    return [record for chunk in chunks for record in parse_records(chunk)]


def records(wanted: Source, scratch: Scratch) -> list[Record]:
    store = scratch.store
    return read(wanted, store, reading.cut_source(wanted, store, LIMITS, None, scratch))


def values(wanted: Source, scratch: Scratch) -> list[Any]:
    found = records(wanted, scratch)
    assert [record.error for record in found] == [None] * len(found)
    return [record.value for record in found]


def scanned_values(wanted: Any, scratch: Scratch, range_bytes: int) -> list[Any]:
    """Plan in ranges, as a large blob is planned."""
    ranges = scans.prepare_scans(wanted, CutOptions(LIMITS), scratch, range_bytes)
    assert ranges > 1
    for number in range(ranges):
        scans.scan_part(wanted, number, scratch)
    found = read(wanted, scratch.store, scans.cut_scanned(scratch))
    assert [record.error for record in found] == [None] * len(found)
    return [record.value for record in found]


def refusal(wanted: Source, scratch: Scratch) -> str:
    """Why a source is refused: before a run is accepted, and by its plan alike."""
    with pytest.raises(InvalidRequestError) as inspected:
        reading.inspect(wanted, scratch.store)
    with pytest.raises(InvalidRequestError) as planned:
        records(wanted, scratch)
    assert str(inspected.value) == str(planned.value)
    return str(inspected.value)


def oracle(text: str, **dialect: Any) -> list[dict[str, str]]:
    lines = (row for row in csv.reader(io.StringIO(text, newline=""), **dialect) if row)
    header = next(lines)
    return [dict(zip(header, row, strict=True)) for row in lines]


# line endings


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_cr_only_csv_has_its_rows(ending, quote, container, scratch):
    rows = [["id", "n"], ["1", "10"], ["2", "20"], ["3", "30"]]
    text = "".join(",".join(f"{quote}{f}{quote}" for f in row) + ending for row in rows)
    scratch.store.write(container, "in.csv", text.encode())
    wanted = source(container, "in.csv")
    assert reading.inspect(wanted, scratch.store).columns == ["id", "n"]
    assert values(wanted, scratch) == oracle(text)
    assert len(oracle(text)) == 3


@pytest.mark.parametrize("range_bytes", range(5, 12))
def test_cr_in_every_role_is_read_alike_in_ranges(range_bytes, container, scratch):
    text = 'a,b\r1,2\r\n"x\ry","\r\n"\r\r\n3,4\n\r5,"""\r"\r'
    scratch.store.write(container, "in.csv", text.encode())
    wanted = source(container, "in.csv")
    assert scanned_values(wanted, scratch, range_bytes) == oracle(text)
    assert values(wanted, scratch) == oracle(text)


def test_json_lines_that_end_in_cr_alone_are_refused_by_name(container, scratch):
    scratch.store.write(container, "in.jsonl", b'{"a":1}\r{"a":2}\r{"a":3}\r')
    (record,) = records(source(container, "in.jsonl", "jsonl"), scratch)
    assert record.error is not None and record.error.type == "JsonLineError"
    assert "2 carriage returns without line feeds" in record.error.message


# Content-Encoding


@pytest.mark.parametrize("name", ["in.csv.gz", "in.csv", "in.CSV.GZ"])
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_content_encoding_gzip_is_read_as_it_is_stored(name, encoding, service, container, scratch):
    upload(service, container, name, gzip.compress(CSV, mtime=0), encoding)
    wanted = source(container, name)
    assert reading.inspect(wanted, scratch.store).columns == ["id", "n"]
    assert values(wanted, scratch) == ROWS


def test_content_encoding_zstd_is_read(service, container, scratch):
    upload(service, container, "in.csv", zstd.compress(CSV), "zstd")
    assert values(source(container, "in.csv"), scratch) == ROWS


@pytest.mark.parametrize("encoding", ["identity", "utf-8", "UTF8", "iso-8859-1"])
def test_content_encoding_that_compresses_nothing_changes_nothing(
    encoding, service, container, scratch
):
    upload(service, container, "in.csv", CSV, encoding)
    assert values(source(container, "in.csv"), scratch) == ROWS
    assert scanned_values(source(container, "in.csv"), scratch, 5) == ROWS


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "compress"])
def test_content_encoding_that_is_not_read_is_refused(encoding, service, container, scratch):
    upload(service, container, "in.csv", CSV, encoding)
    assert f"its Content-Encoding is '{encoding}'" in refusal(source(container, "in.csv"), scratch)
    assert values(source(container, "in.csv", compression="none"), scratch) == ROWS


def test_content_encoding_gzip_of_a_large_blob_is_no_matter_of_ranges(service, container, scratch):
    text = b"id,n\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(500))
    scratch.store.write(container, "plain.csv", text)
    assert ranges_of(source(container, "plain.csv"), scratch) > 1
    upload(service, container, "in.csv", gzip.compress(text, 0, mtime=0), "gzip")
    wanted = source(container, "in.csv")
    assert ranges_of(wanted, scratch) == 0
    assert len(values(wanted, scratch)) == 500


def test_content_encoding_gzip_holds_for_blobs_of_a_listing_and_for_a_manifest(
    service, container, scratch
):
    upload(service, container, "in/1", gzip.compress(CSV, mtime=0), "gzip")
    upload(service, container, "names", gzip.compress(b'"in/1"\n', mtime=0), "gzip")
    listed = TypeAdapter(Source).validate_python(
        {"kind": "listing", "container": container, "prefix": "in/", "read": "csv"}
    )
    assert values(listed, scratch) == ROWS
    assert values(source(container, "names", "manifest", read="csv"), scratch) == ROWS


def test_content_encoding_gzip_is_undone_in_files_of_items(service, store, container):
    upload(service, container, "a.txt", gzip.compress(b"text" * 10, mtime=0), "gzip")
    upload(service, container, "bad.txt", b"text", "gzip")
    item_files = RunItemFiles(RunFiles(store, container), "run", container)
    assert item_files.read("a.txt", 100) == b"text" * 10
    with pytest.raises(PermanentError, match=r"'a.txt' cannot be decompressed: it is larger than"):
        item_files.read("a.txt", 35)
    with pytest.raises(PermanentError, match=r"'bad.txt' cannot be decompressed: it is no gzip"):
        item_files.read("bad.txt", 100)


def test_content_encoding_gzip_is_undone_in_the_template_of_an_inbox(service, store, monkeypatch):
    folder = f"f{secrets.token_hex(4)}"
    monkeypatch.setattr(inbox, "settings", lambda: Settings(StorageSettings()))
    store.write(inbox.INBOX, f"{folder}/made", b"")
    upload(
        service,
        inbox.INBOX,
        f"{folder}/request.json",
        gzip.compress(b'{"max_items": 5}', mtime=0),
        "gzip",
    )
    found = inbox._read_template(f"{folder}/rows.csv", RunFiles(store, "runs"))
    assert found == {"max_items": 5}


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("in.csv", gzip.compress(CSV, mtime=0), "it is no text: it begins as gzip data does"),
        ("in.csv", zstd.compress(CSV), "it begins as zstd data does"),
        ("in.csv", b"PK\x03\x04" + bytes(30), "a ZIP archive (an Excel workbook?)"),
        ("in.csv", b"PAR1" + bytes(30) + b"PAR1", "it begins as a Parquet file does"),
        ("in.csv.gz", CSV, "it is no gzip before byte"),
        ("in.csv.gz", b"PK\x03\x04" + bytes(30), "it is no gzip before byte"),
        (
            "in.csv.gz",
            gzip.compress(gzip.compress(CSV, mtime=0), mtime=0),
            "it begins as gzip data does",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_file_of_another_kind_is_refused_by_its_first_bytes(
    kind, name, data, fault, container, scratch
):
    scratch.store.write(container, name, data)
    assert fault in refusal(source(container, name, kind), scratch)


# encodings


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_utf_16_is_read(encoding, mark, how, container, scratch):
    text = 'name,n\r\n"Zoë",1\r\n"日本\r",😀\r\n'
    lines = '{"a":"Zoë"}\n{"a":"日本"}\n'
    compress = gzip.compress if how == "gzip" else bytes
    suffix = ".gz" if how == "gzip" else ""
    array = f"[{lines.strip().replace(chr(10), ',')}]"
    scratch.store.write(container, f"in.csv{suffix}", compress((mark + text).encode(encoding)))
    scratch.store.write(container, f"in.json{suffix}", compress((mark + array).encode(encoding)))
    scratch.store.write(container, f"in.jsonl{suffix}", compress((mark + lines).encode(encoding)))
    wanted = source(container, f"in.csv{suffix}")
    assert reading.inspect(wanted, scratch.store).columns == ["name", "n"]
    assert values(wanted, scratch) == oracle(text)
    for kind in ("jsonl", "json"):
        found = values(source(container, f"in.{kind}{suffix}", kind), scratch)
        assert found == [{"a": "Zoë"}, {"a": "日本"}]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("header", [None, ["a", "b"], {"names": ["a", "b"]}])
def test_utf_16_that_nobody_can_tell_is_refused(encoding, header, container, scratch):
    scratch.store.write(
        container,
        "in.csv",
        "가나다라마바사,아자차카타파하\n가나다라마바,아자차카타\n".encode(encoding),
    )
    fault = refusal(source(container, "in.csv", header=header), scratch)
    assert "UTF-16 without a byte order mark" in fault


def test_utf_16_cut_within_a_character_costs_its_row_alone(container, scratch):
    scratch.store.write(container, "in.csv", "a,b\n1,2\n3,4".encode("utf-16")[:-1])
    found = records(source(container, "in.csv"), scratch)
    assert found[0].value == {"a": "1", "b": "2"}
    assert found[1].error is not None and found[1].error.type == "EncodingError"


def test_utf_16_large_enough_for_ranges_is_read_in_one_pass(container, scratch):
    text = "a,b\n" + "".join(f"{n},{n}\n" for n in range(500))
    scratch.store.write(container, "plain.csv", text.encode())
    assert ranges_of(source(container, "plain.csv"), scratch) > 1
    scratch.store.write(container, "in.csv", text.encode("utf-16"))
    wanted = source(container, "in.csv")
    assert ranges_of(wanted, scratch) == 0
    assert values(wanted, scratch) == oracle(text)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "manifest"])
@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_a_byte_order_mark_is_no_part_of_any_text(kind, how, container, scratch):
    texts = {"csv": "a\n1\n", "jsonl": '{"a":"1"}\n', "json": '[{"a":"1"}]', "manifest": '"x"\n'}
    data = ("\ufeff" + texts[kind]).encode()
    name = "in.gz" if how == "gzip" else "in"
    scratch.store.write(container, name, gzip.compress(data, mtime=0) if how == "gzip" else data)
    expected = [{"name": "x"}] if kind == "manifest" else [{"a": "1"}]
    assert values(source(container, name, kind), scratch) == expected


def test_nul_bytes_in_rows_are_data_and_in_a_header_a_fault(container, scratch):
    scratch.store.write(container, "in.csv", b"a,b\n1,x\0y\nlonger,2\n")
    assert values(source(container, "in.csv"), scratch)[0] == {"a": "1", "b": "x\0y"}
    scratch.store.write(container, "in2.csv", b"a,b\0c\n1,x\nlonger,2\n")
    assert "the header has NUL bytes" in refusal(source(container, "in2.csv"), scratch)


# the line that names the delimiter


@pytest.mark.parametrize(
    "line", ["sep=;", '"sep=;"', "SEP=;", "Sep=;", "sep=; ", "sep=;;", '"sep=;";', "sep=;,,,"]
)
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_sep_line_sets_the_delimiter_and_is_no_record(line, ending, mark, container, scratch):
    text = "id;n" + ending + '1;"2,5"' + ending
    scratch.store.write(container, "in.csv", (mark + line + ending + text).encode())
    wanted = source(container, "in.csv")
    assert reading.inspect(wanted, scratch.store).columns == ["id", "n"]
    (record,) = records(wanted, scratch)
    assert (record.value, record.line) == ({"id": "1", "n": "2,5"}, 3)
    assert [record.value] == oracle(text, delimiter=";")


@pytest.mark.parametrize(
    ("line", "delimiter"), [("sep=\t", "\t"), (r"sep=\t", "\t"), ("sep=|", "|")]
)
def test_sep_line_may_name_any_character(line, delimiter, container, scratch):
    text = f"a{delimiter}b\n1{delimiter}2\n" + f"3{delimiter}4\n" * 20
    scratch.store.write(container, "in.csv", f"{line}\n{text}".encode())
    wanted = source(container, "in.csv")
    assert values(wanted, scratch) == oracle(text, delimiter=delimiter)
    assert scanned_values(wanted, scratch, 20) == oracle(text, delimiter=delimiter)


def test_sep_line_holds_in_utf_16_with_given_names_and_for_each_blob_of_a_listing(
    container, scratch
):
    scratch.store.write(container, "in/1", "sep=;\r\n1;2\r\n".encode("utf-16"))
    scratch.store.write(container, "in/2", b"3,4\n")
    wanted = {"kind": "csv", "header": ["a", "b"]}
    listed = TypeAdapter(Source).validate_python(
        {"kind": "listing", "container": container, "prefix": "in/", "read": wanted}
    )
    assert values(listed, scratch) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_sep_line_and_request_must_agree(container, scratch):
    scratch.store.write(container, "in.csv", b"sep=;\na;b\n1;2\n")
    assert values(source(container, "in.csv", delimiter=";"), scratch) == [{"a": "1", "b": "2"}]
    fault = refusal(source(container, "in.csv", delimiter=","), scratch)
    assert "its first line says that the delimiter is ';', not ','" in fault


@pytest.mark.parametrize("line", ["sep=", "sep=§", 'sep="', '"sep=""'])
def test_sep_line_without_a_delimiter_is_refused(line, container, scratch):
    scratch.store.write(container, "in.csv", f"{line}\na,b\n1,2\n".encode())
    assert "names no ASCII character as delimiter" in refusal(source(container, "in.csv"), scratch)


def test_a_column_whose_name_begins_like_a_sep_line_is_a_column(container, scratch):
    scratch.store.write(container, "in.csv", b"sep=a,b\n1,2\n")
    assert values(source(container, "in.csv"), scratch) == [{"sep=a": "1", "b": "2"}]


# headers


def test_duplicate_and_blank_names_of_a_header_can_be_renamed_or_replaced(container, scratch):
    scratch.store.write(container, "in.csv", b",carrier,carrier,\n1,2,3,4\n")
    fault = refusal(source(container, "in.csv"), scratch)
    assert "'' (columns 1, 4), 'carrier' (columns 2, 3)" in fault
    assert '"header": {"rename": {"4": "NEW NAME"}}' in fault
    renamed = source(container, "in.csv", header={"rename": {"3": "c", "4": "d"}})
    assert reading.inspect(renamed, scratch.store).columns == ["", "carrier", "c", "d"]
    assert values(renamed, scratch) == [{"": "1", "carrier": "2", "c": "3", "d": "4"}]
    named = source(container, "in.csv", header={"names": ["p", "q", "r", "s"]})
    assert reading.inspect(named, scratch.store).columns == ["p", "q", "r", "s"]
    assert values(named, scratch) == [{"p": "1", "q": "2", "r": "3", "s": "4"}]
    assert scanned_values(named, scratch, 5) == [{"p": "1", "q": "2", "r": "3", "s": "4"}]


def test_names_in_place_of_a_header_need_not_be_able_to_read_it(container, scratch):
    scratch.store.write(container, "in.csv", b"caf\xe9,b\n1,2\n")
    named = source(container, "in.csv", header={"names": ["a", "b"]})
    assert values(named, scratch) == [{"a": "1", "b": "2"}]
    scratch.store.write(container, "empty.csv", b"")
    assert values(source(container, "empty.csv", header={"names": ["a"]}), scratch) == []


def test_a_header_is_renamed_in_each_blob_of_a_listing(container, scratch):
    scratch.store.write(container, "in/1", b"a,a\n1,2\n")
    scratch.store.write(container, "in/2", b"a\n3\n")
    how = {"kind": "csv", "header": {"rename": {"2": "b"}}}
    listed = TypeAdapter(Source).validate_python(
        {"kind": "listing", "container": container, "prefix": "in/", "read": how}
    )
    good, bad = records(listed, scratch)
    assert good.value == {"a": "1", "b": "2"}
    assert bad.error is not None and bad.error.type == "SourceBlobError"
    assert "'2' to be renamed is neither a column nor its position" in bad.error.message


# numbers


@pytest.mark.parametrize("kind", ["jsonl", "json"])
@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1E+400", "1e0400", "1" * 400 + ".5", "9" * 250 + "e99"]
)
def test_json_number_overflow_is_refused_by_name(kind, number, container, scratch):
    good, bad = '{"id":1,"amount":2.5}', f'{{"id":2,"amount":[{{"n":{number}}}]}}'
    assert json.loads(bad)["amount"][0]["n"] in (float("inf"), float("-inf"))
    text = f"{good}\n{bad}\n{good}\n" if kind == "jsonl" else f"[{good},{bad},{good}]"
    scratch.store.write(container, "in", text.encode())
    first, second, third = records(source(container, "in", kind), scratch)
    assert (first.value, third.value) == (json.loads(good), json.loads(good))
    assert second.value is None and second.error is not None
    assert "a number is too large" in second.error.message
