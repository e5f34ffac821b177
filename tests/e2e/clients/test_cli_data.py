"""Data files through the command line, without storage: the app alone reads them."""

import csv
import gzip
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from tests.support.hosts.command_line import Shell, shell_on

# What the command line does with files and streams no other host changes.
pytestmark = pytest.mark.needs_spare_time
ANY = ("--tolerate", "100%", "--watch")


@pytest.fixture(scope="module")
def fanout(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with shell_on(storage, tmp_path_factory.mktemp("cli-data")) as shell:
        yield shell


def submit(fanout: Shell, name: str | bytes, *words: str, code: int = 0, **more: Any) -> str:
    command = ("submit", "-w", "probe", "-d", name, *ANY, *words)
    done = fanout(*command, code=code, **{"FANOUT_STORAGE": ""} | more)
    return done.stdout.partition("\n")[0] if code != 1 else done.stderr


def outcomes(fanout: Shell, run_id: str) -> list[tuple[int, str, str]]:
    """Index, status and message of each item of a run."""
    items = fanout.lines("items", run_id, "--limit", "0")
    return [(i["index"], i["status"], (i.get("error") or {}).get("message", "")) for i in items]


def ids(fanout: Shell, run_id: str) -> list[Any]:
    """The id of each item as the workload got it, in order."""
    return [item["output"]["id"] for item in fanout.lines("items", run_id, "--limit", "0")]


def write(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def test_separators_of_lines_in_unicode_end_no_line(fanout: Shell, tmp_path: Path):
    text = '{"id":"a\u2028b"}\n{"id":"c\u2029\u0085d"}\n'
    run_id = submit(fanout, write(tmp_path, "in.jsonl", text.encode()))
    assert ids(fanout, run_id) == ["a\u2028b", "c\u2029\u0085d"]


def test_rows_of_another_length_fail_alone_and_with_their_line(fanout: Shell, tmp_path: Path):
    path = write(tmp_path, "ragged.csv", b"id,ending\n1\n2,ok,extra\n3,ok\n")
    run_id = submit(fanout, path, code=3)
    assert outcomes(fanout, run_id) == [
        (0, "failed", "line 2: the header has 2 columns, this row has 1"),
        (1, "failed", "line 3: the header has 2 columns, this row has 3"),
        (2, "succeeded", ""),
    ]


def test_columns_of_one_name_are_refused(fanout: Shell, tmp_path: Path):
    told = submit(fanout, write(tmp_path, "dup.csv", b"id,id,ending\n1,2,ok\n"), code=1)
    assert "Bad Request (400)" in told
    assert "source.text: it is no CSV with a header" in told
    assert "'id'" in told


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("surrogate.jsonl", b'{"id":1,"says":"caf\\udce9"}\n{"id":2}\n', "surrogate"),
        ("nan.jsonl", b'{"id":1,"good":NaN}\n{"id":2}\n', "expected value"),
        ("infinity.jsonl", b'{"id":1,"good":-Infinity}\n{"id":2}\n', "line 1: "),
        ("latin.jsonl", b'{"id":1,"says":"caf\xe9"}\n{"id":2}\n', "0xe9, is not UTF-8"),
        ("nan.json", b'[{"id":1,"good":NaN},{"id":2}]', "line 1: "),
    ],
)
def test_an_item_that_is_no_json_fails_alone(
    fanout: Shell, tmp_path: Path, name: str, content: bytes, says: str
):
    run_id = submit(fanout, write(tmp_path, name, content), code=3)
    (_, status, message), second = outcomes(fanout, run_id)
    assert status == "failed"
    assert says in message
    assert second == (1, "succeeded", "")


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfid,ending\r\n\xc3\xa9,ok\r\n"a\nb",ok\r\n',
        b'id\n"a""b"\n" x "\n',
        b"id,ending\ncaf\xe2\x82\xac,ok",
        b'id\n"1\r\n2"\n"\xe2\x80\xa8"\n',
    ],
)
def test_a_csv_is_read_as_python_reads_it(fanout: Shell, tmp_path: Path, content: bytes):
    path = write(tmp_path, "rows.csv", content)
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    run_id = submit(fanout, path)
    assert fanout.request_of(run_id)["source"]["text"].encode() == content
    assert ids(fanout, run_id) == [row["id"] for row in rows]


def test_bytes_that_are_no_text_travel_too(fanout: Shell, tmp_path: Path):
    lines = b'{"id": 1}\n{"id": 2}\n'
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2]}), sink)
    files = {
        "a.jsonl.gz": gzip.compress(lines),
        "a.ndjson.zst": zstd.compress(lines),
        "a.JSON.GZ": gzip.compress(b'[{"id": 1}, {"id": 2}]'),
        "a.parquet": sink.getvalue(),
    }
    for name, content in files.items():
        run_id = submit(fanout, write(tmp_path, name, content))
        assert ids(fanout, run_id) == [1, 2], name


def test_standard_input_and_pipes_are_data_as_well(fanout: Shell, tmp_path: Path):
    run_id = submit(fanout, "-", "--kind", "csv", stdin=b"id\n1\n2\n")
    assert ids(fanout, run_id) == ["1", "2"]
    run_id = submit(fanout, "-", "--kind", "jsonl.gz", stdin=gzip.compress(b'{"id":5}\n'))
    assert ids(fanout, run_id) == [5]
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["/bin/sh", "-c", f'echo \'{{"id":7}}\' > "{path}"']):
        run_id = submit(fanout, str(path), "--kind", "jsonl")
    assert ids(fanout, run_id) == [7]
    for words in (("submit", "-", "-d", "-"), ("submit", "-w", "probe", "-d", "-")):
        assert "tandard input" in fanout(*words, stdin=b"{}", code=1).stderr
    assert "--kind '.xml'" in submit(fanout, "-", "--kind", "xml", stdin=b"id\n1\n", code=1)


def test_a_file_that_says_another_kind_than_its_name_is_read_by_that(fanout: Shell, tmp_path: Path):
    path = write(tmp_path, "rows.txt", b"id\n1\n")
    assert "--kind" in submit(fanout, path, code=1)
    assert len(ids(fanout, submit(fanout, path, "--kind", "csv"))) == 1
    packed = write(tmp_path, "rows.bin", gzip.compress(b"id\n1\n"))
    for storage in ("", fanout.storage):
        run_id = submit(fanout, packed, "--kind", "csv.gz", FANOUT_STORAGE=storage)
        assert ids(fanout, run_id) == ["1"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("binary.csv", bytes(range(128, 256)), "it is no CSV with a header"),
        ("empty.csv", b"", "names its columns"),
        ("broken.csv.gz", b"id\n1\n", "it is no gzip"),
        ("broken.parquet", b"PAR1", "it is no Parquet"),
        ("broken.parquet.gz", gzip.compress(b"PAR1", mtime=0), "Parquet"),
        ("large.csv", b"id\n" + b"1\n" * 600_000, "FANOUT_STORAGE"),
        ("long.jsonl", b'"' + b"x" * 2_000_000 + b'"\n', "FANOUT_STORAGE"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why(
    fanout: Shell, tmp_path: Path, name: str, content: bytes, says: str
):
    assert says in submit(fanout, write(tmp_path, name, content), code=1)


@pytest.mark.parametrize("content", [b'[{"id": 1}', b"", b"{}", b"\xff\xfe\x00"])
def test_an_array_that_is_none_fails_its_run_with_the_reason(
    fanout: Shell, tmp_path: Path, content: bytes
):
    run_id = submit(fanout, write(tmp_path, "a.json", content), code=4)
    (shown,) = fanout.lines("show", run_id)
    assert "it holds no such JSON array" in shown["error"]
    assert shown["items"]["total"] == 0


def test_an_array_in_utf_16_is_read(fanout: Shell, tmp_path: Path):
    submit(fanout, write(tmp_path, "a.json", '[{"id":1}]'.encode("utf-16")))


def test_bytes_that_are_no_text_fail_as_items(fanout: Shell, tmp_path: Path):
    for name, content in (("b.csv", b"id\n\xff\n\x81\n"), ("b.jsonl", b"\xff\n\x81\n")):
        run_id = submit(fanout, write(tmp_path, name, content), code=3)
        first, _ = outcomes(fanout, run_id)
        assert "is not UTF-8" in first[2]


def test_what_is_no_file_is_told_as_such(fanout: Shell, tmp_path: Path):
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in submit(fanout, str(tmp_path / "folder.csv"), code=1)
    assert "There is no file" in submit(fanout, str(tmp_path / "none.csv"), code=1)
    assert "There is no file" in submit(fanout, str(tmp_path / "none.csv" / "a.csv"), code=1)
    assert "is no file" in submit(fanout, "/dev/null", "--kind", "csv", code=1)
    assert "too long" in submit(fanout, str(tmp_path / ("x" * 300 + ".csv")), code=1)
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    assert "cannot be read" in submit(fanout, str(tmp_path / "loop.csv"), code=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_as_such(fanout: Shell, tmp_path: Path):
    path = write(tmp_path, "secret.csv", b"id\n1\n")
    Path(path).chmod(0)
    assert "Permission denied" in submit(fanout, path, code=1)


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.csv",
        "caf\u00e9 [bold] [\u2028 %41.csv".encode(),
        b"a\nb\\c.csv",
        b"\xf0\x9f\x98\x80.csv",
    ],
)
def test_a_file_may_be_called_by_any_bytes(fanout: Shell, tmp_path: Path, name: bytes):
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"id\n1\n")
    for storage in ("", fanout.storage):
        run_id = submit(fanout, path, FANOUT_STORAGE=storage)
        assert ids(fanout, run_id) == ["1"]
    unknown = submit(fanout, path + b".txt", code=1, PYTHONIOENCODING="ascii")
    assert "--kind" in unknown


def test_a_request_may_have_a_mark_and_any_encoding_of_unicode(fanout: Shell, tmp_path: Path):
    source = {"kind": "inline", "items": [{"id": "é\u2028"}]}
    text = json.dumps({"workload": "probe", "source": source}, ensure_ascii=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        content = text.encode(encoding)
        path = write(tmp_path, "request.json", content)
        for more in ({}, {"LANG": "C", "LC_ALL": "POSIX", "PYTHONUTF8": "0"}):
            done = fanout("submit", path, "--watch", **more)
            assert ids(fanout, done.stdout.partition("\n")[0]) == ["é\u2028"]
            done = fanout("submit", "-", "--watch", stdin=content, **more)
            run_id = done.stdout.partition("\n")[0]
            assert fanout.request_of(run_id)["source"] == source


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"items": NaN}', "source.items[0]: JSON has no NaN"),
        (b'{"items": 1e400}', "source.items[0]: JSON has no Infinity"),
        (b'{"items": "caf\\udce9"}', "source.items[0]: the text 'caf\\udce9'"),
        (b'{"items": %s}' % (b"7" * 5000), "5,000 digits"),
        (b'{"items": "caf\xe9"}', "cannot be read as JSON"),
        (b'{"items": ', "cannot be read as JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"[]", "is no JSON object"),
    ],
)
def test_a_request_that_is_no_json_for_every_reader_is_refused_with_the_field(
    fanout: Shell, tmp_path: Path, content: bytes, says: str
):
    head = b'{"workload": "probe", "source": {"kind": "inline", "items": ['
    body = content.replace(b'{"items": ', head).replace(b"}", b"]}}")
    assert says in fanout("submit", write(tmp_path, "r.json", body), code=1).stderr
    assert says in fanout("submit", "-", stdin=body, code=1).stderr


def test_options_that_are_no_json_for_every_reader_are_refused_with_the_field(fanout: Shell):
    request = b'{"workload": "probe", "source": {"kind": "inline", "items": []}}'
    for words, says in (
        (("--tolerate", "nan%"), "--tolerate takes a number or a percentage, not 'nan%'."),
        (("-p", "n=1e999"), "parameters.n: JSON has no Infinity"),
        (("-p", b"n=caf\xe9"), "parameters.n: the text"),
        (("-p", "n=" + "7" * 5000), "5,000 digits"),
    ):
        assert says in fanout("submit", "-", *words, stdin=request, code=1).stderr
    refused = fanout("submit", "-", "--rate", "inf", stdin=request, code=2)
    assert "Invalid value for '--rate'" in refused.stderr


def test_a_dry_run_reads_a_file_as_the_run_does(fanout: Shell, tmp_path: Path):
    path = write(tmp_path, "ragged.csv", b"id,ending\n1\n2,ok\n")
    told = fanout("submit", "-w", "probe", "-d", path, "--dry-run", FANOUT_STORAGE="")
    assert "line 2: the header has 2 columns, this row has 1" in told.stdout


def test_a_text_is_redriven_from_the_request_alone(fanout: Shell, tmp_path: Path):
    path = write(tmp_path, "rows.csv", b"id,ending\n1,ok\n2,permanent\n")
    run_id = submit(fanout, path, code=3)
    Path(path).unlink()
    fanout("redrive", run_id, "--watch", "--tolerate", "100%", code=3)
    assert [status for _, status, _ in outcomes(fanout, run_id)] == ["succeeded", "failed"]
