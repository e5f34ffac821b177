"""A text in a request is read by the rules that hold for a blob of its bytes."""

import gzip
import io
from base64 import b64encode
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from fanout.adapters.sources import reading
from fanout.adapters.sources.reading import Scratch
from fanout.errors import InvalidRequestError
from fanout.models.plan import PlanManifest
from fanout.models.request import BatchLimits, RunRequest
from fanout.models.source import TextSource
from fanout.records import Record
from fanout.splitting.records import parse_records
from tests.support.doubles.memory_store import MemoryStore

LIMITS = BatchLimits(max_items=3)
SOURCE: TypeAdapter[Any] = TypeAdapter(TextSource)
FORMATS = ["csv", "jsonl", "json"]


def text(content: str | bytes, read: Any) -> TextSource:
    if isinstance(content, str):
        fields = {"text": content}
    else:
        fields = {"base64": b64encode(content).decode()}
    made: TextSource = SOURCE.validate_python({"kind": "text", "read": read, **fields})
    # As a worker gets it: out of the file of the request.
    return RunRequest.model_validate_json(
        RunRequest(workload="w", source=made).model_dump_json()
    ).source  # type: ignore[return-value]


def read(source: Any, store: MemoryStore, **select: Any) -> list[Record]:
    made = reading.cut_source(source, store, LIMITS, None, Scratch(store, "runs", "r/plan/"))
    cuts = list(made)
    manifest = PlanManifest(
        items=sum(cut.items for cut in cuts),
        cuts=len(cuts),
        partitions=1,
        cuts_per_partition=max(1, len(cuts)),
        header=made.header,
        etag=made.etag,
        length=made.length,
        data=made.data,
    )
    selection = RunRequest(workload="w", source=source, select=select).select
    chunks = (reading.read_chunk(source, cut, manifest, store, selection) for cut in cuts)
    return [record for chunk in chunks for record in parse_records(chunk)]


def facts(records: list[Record]) -> list[tuple[Any, ...]]:
    return [(r.index, r.line, r.value, r.error) for r in records]


def refusal(source: TextSource) -> tuple[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        read(source, MemoryStore())
    (problem,) = caught.value.problems
    return problem.field, problem.message


def test_a_separator_of_lines_in_unicode_ends_no_line():
    lines = '{"id":1,"t":"a\u2028b"}\n{"id":2,"t":"c\u0085\x1cd"}\n'.replace("\x1c", "\\u001c")
    records = read(text(lines, "jsonl"), MemoryStore())
    assert [(r.line, r.value["id"], r.value["t"]) for r in records] == [
        (1, 1, "a\u2028b"),
        (2, 2, "c\u0085\x1cd"),
    ]


def test_rows_of_another_length_are_refused_alone():
    records = read(text("id,n\n1,2\n2\n3,4,extra\n5,6\n", "csv"), MemoryStore())
    assert [r.value for r in records] == [{"id": "1", "n": "2"}, None, None, {"id": "5", "n": "6"}]
    assert [r.error.message for r in records if r.error] == [
        "line 3: the header has 2 columns, this row has 1",
        "line 4: the header has 2 columns, this row has 3",
    ]


def test_columns_of_one_name_are_refused_with_the_field():
    field, message = refusal(text("a,a\n1,2\n", "csv"))
    assert field == "source.text"
    assert message.startswith("it is no CSV with a header")
    assert "'a'" in message


@given(
    content=st.binary(max_size=60)
    | st.lists(st.sampled_from(["a", ",", "\n", "\r", '"', "{", "}", "1", "é", "\u2028"])).map(
        lambda letters: "".join(letters).encode()
    ),
    kind=st.sampled_from(FORMATS),
)
def test_a_text_has_the_records_and_the_faults_of_a_blob(content: bytes, kind: str):
    store = MemoryStore()
    store.write("inbox", "data", content)
    blob = {"workload": "w", "source": {"kind": kind, "container": "inbox", "blob": "data"}}
    try:
        expected = facts(read(RunRequest.model_validate(blob).source, store))
    except InvalidRequestError as error:
        fault = error.problems[0].message.partition("the container 'inbox' ")[2]
        assert refusal(text(content, kind)) == ("source.base64", f"it {fault}")
        return
    assert facts(read(text(content, kind), store)) == expected
    try:
        as_text = content.decode()
    except UnicodeDecodeError:
        return
    assert facts(read(text(as_text, kind), store)) == expected


@pytest.mark.parametrize(
    ("compression", "compress"), [("gzip", gzip.compress), ("zstd", zstd.compress)]
)
def test_a_compressed_text_is_read_from_the_copy_of_its_plan(compression: str, compress: Any):
    store = MemoryStore()
    source = text(
        compress(b"id,n\n1,2\n3,4\n5,6\n7,8\n"), {"kind": "csv", "compression": compression}
    )
    assert reading.inspect(source, store).columns == ["id", "n"]
    assert [r.value["id"] for r in read(source, store)] == ["1", "3", "5", "7"]
    (copy,) = store.names("runs", "r/plan/")
    assert store.read("runs", copy).startswith(b"id,n\n")


def test_a_broken_archive_is_refused_with_the_field():
    source = text(gzip.compress(b"1\n" * 9)[:-9], {"kind": "jsonl", "compression": "gzip"})
    field, message = refusal(source)
    assert field == "source.base64"
    assert message.startswith("it cannot be decompressed: the gzip stream is cut short")


def test_rows_of_parquet_are_read():
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": list(range(8)), "x": ["y"] * 8}), sink, row_group_size=3)
    source = text(sink.getvalue(), {"kind": "parquet", "columns": ["n"]})
    info = reading.inspect(source, MemoryStore())
    assert (info.kind, info.columns) == ("text", ["n"])
    assert [r.value for r in read(source, MemoryStore())] == [{"n": n} for n in range(8)]
    assert refusal(text(b"no parquet", "parquet"))[1].startswith("it is no Parquet")


def test_an_item_of_a_text_comes_from_no_blob():
    records = read(text("[1]", "json"), MemoryStore(), s={"source": True}, i={"index": True})
    assert [r.value for r in records] == [{"value": 1, "s": None, "i": 0}]


def test_a_mark_before_the_text_is_left_out():
    assert [r.value for r in read(text("\ufeffid\n1\n", "csv"), MemoryStore())] == [{"id": "1"}]
    assert [r.value for r in read(text("\ufeff1\n", "jsonl"), MemoryStore())] == [1]


def test_an_empty_text_has_no_items_or_no_header():
    assert read(text("", "jsonl"), MemoryStore()) == []
    assert "names its columns" in refusal(text("", "csv"))[1]
