"""Sources of few bytes from which much comes out, and runs over them in processes of their own.

A child process makes each source, and another runs over it: so its largest memory is measured
without what making the source took. Blobs are on disk, as they are in no worker's memory either.
"""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from fanout.models.request import RunRequest
from fanout.naming import blob_paths
from tests.support.hostile import echoes
from tests.support.hostile.checked_runs import carry_out_unless_refused
from tests.support.hostile.disk_store import DiskStore
from tests.support.hostile.local_settings import local_settings
from tests.support.hostile.processes import MIB, read_memory
from tests.support.parquet.files import footer_of, write_table
from tests.support.replays.local_runs import RUN_ID, LocalRun

ROOT = Path(__file__).parents[3]
BLOB = {"container": "inbox", "blob": "data"}
ECHO = echoes.Echo.name


@dataclass(frozen=True)
class Hostile:
    """A request and the blob that it names.

    Attributes:
        rows: How many items there are; None where the source is refused.
        bad: The positions of those that fail alone; all others succeed.
    """

    request: dict[str, Any]
    data: bytes
    rows: int | None
    bad: frozenset[int] = field(default_factory=frozenset)


def ask(workload: str, source: dict[str, Any], **more: Any) -> dict[str, Any]:
    everything_may_fail = {"percentage": 100}
    return {
        "workload": workload,
        "source": BLOB | source,
        "tolerance": everything_may_fail,
    } | more


def report(**parameters: Any) -> dict[str, Any]:
    return {"parameters": {"group_by": ["k"]} | parameters}


def one_text_for_all(random: Random) -> Hostile:
    """A Parquet dictionary with one long text, to which every row points."""
    rows, size = random.randint(3_000, 4_000), random.randint(250_000, 300_000)
    index = pa.repeat(pa.scalar(0, pa.int32()), rows)
    texts = pa.DictionaryArray.from_arrays(index, pa.array(["x" * size]))
    data = write_table(pa.table({"k": texts}), compression="zstd", store_schema=False)
    metrics = {"parameters": {"metrics": {"k": ["approx_distinct"]}}}
    return Hostile(ask("reports", {"kind": "parquet"}) | metrics, data, rows)


def long_run(random: Random) -> Hostile:
    """Millions of equal numbers, which a run of a few bytes stands for."""
    rows = random.randint(20_000_000, 40_000_000)
    table = pa.table({name: pa.repeat(pa.scalar(7, pa.int64()), rows) for name in "kabc"})
    data = write_table(table, compression="zstd", row_group_size=rows)
    taken = 3_000
    return Hostile(ask(ECHO, {"kind": "parquet"}, max_items=taken), data, taken)


def page_of_zeros(random: Random) -> Hostile:
    """A page that decompresses to far more than its footer says; its group fails alone."""
    size = random.randint(300, 400) * MIB
    huge = pa.table({"k": pa.array([b"\0" * size], pa.binary())})
    small = pa.table({"k": pa.array([b"\0"], pa.binary())})
    data = write_groups([small, huge, small])
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0)
    data = understate(data, column.total_uncompressed_size)
    return Hostile(ask(ECHO, {"kind": "parquet"}), data, 3, frozenset([1]))


def understate(data: bytes, size: int) -> bytes:
    """Have the footer of a file say that something takes one byte that takes `size`."""
    begin, footer = footer_of(data)
    number = varint(2 * size)
    small = b"\x82" + b"\x80" * (len(number) - 2) + b"\x00"
    return data[:begin] + footer.replace(number, small) + data[-8:]


def varint(value: int) -> bytes:
    """A number as Thrift's compact protocol writes it."""
    digits = [value >> shift & 0x7F for shift in range(0, value.bit_length(), 7)]
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def list_of_nulls(random: Random) -> Hostile:
    """One row with a list of millions of nulls, between two small ones."""
    size = random.randint(50_000_000, 60_000_000)
    data_type = pa.list_(pa.int32())
    huge = pa.ListArray.from_arrays(pa.array([0, size], pa.int32()), pa.nulls(size, pa.int32()))
    small = pa.array([[1]], data_type)
    data = write_groups([pa.table({"k": each}) for each in (small, huge, small)])
    return Hostile(ask(ECHO, {"kind": "parquet"}), data, 3, frozenset([1]))


def write_groups(tables: list[pa.Table]) -> bytes:
    """A Parquet file with a row group for each table."""
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, tables[0].schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
    return sink.getvalue()


def padded_rows(random: Random) -> Hostile:
    """Rows of one field, padded to thousands of columns with long names."""
    columns = [f"{'n' * random.randint(100, 140)}{number}" for number in range(4_000)]
    rows = random.randint(1_500, 3_000)
    data = ",".join(["k", *columns]) + "\n" + "a\n" * rows
    asked = ask(ECHO, {"kind": "csv", "rows": "pad"}, batch={"max_items": 100_000}, max_items=400)
    return Hostile(asked, data.encode(), 400)


def padded_report(random: Random) -> Hostile:
    columns = [f"column{number}" for number in range(6_000)]
    rows = random.randint(1_500, 3_000)
    data = ",".join(["k", *columns]) + "\n" + "a\n" * rows
    return Hostile(ask("reports", {"kind": "csv", "rows": "pad"}) | report(), data.encode(), rows)


def constant_in_each(random: Random) -> Hostile:
    """A constant of a megabyte that is merged into each item."""
    rows = random.randint(1_000, 1_500)
    select = {"big": {"const": "x" * MIB}}
    asked = ask(ECHO, {"kind": "jsonl"}, batch={"max_items": 10_000}, select=select, max_items=300)
    return Hostile(asked, b'{"k":1}\n' * rows, 300)


def paths_to_one_text(random: Random) -> Hostile:
    """Many paths to one long text of the item: the item that has it is too large, alone."""
    select = {f"copy{number}": {"path": "k"} for number in range(random.randint(400, 600))}
    rows = [b'{"k":"a"}'] * 50
    rows[25] = b'{"k":"' + b"x" * 400_000 + b'"}'
    asked = ask(ECHO, {"kind": "jsonl"}, select=select)
    return Hostile(asked, b"\n".join(rows), 50, frozenset([25]))


def empty_objects(random: Random) -> Hostile:
    """A record of millions of empty objects, between small ones."""
    rows = [b'{"k":"a"}'] * 100
    rows[50] = b'{"k":[' + b"{}," * random.randint(2_000_000, 3_000_000) + b"{}]}"
    batch = {"max_bytes": 64 * MIB}
    asked = ask("reports", {"kind": "jsonl"}, batch=batch) | report() | {"batch": batch}
    return Hostile(asked, b"\n".join(rows), 100, frozenset([50]))


def many_delimiters(random: Random) -> Hostile:
    """A row of millions of empty fields, of which one is kept."""
    rows = [b"a"] * 100
    rows[50] = b"," * random.randint(8_000_000, 12_000_000)
    asked = ask(ECHO, {"kind": "csv", "rows": "pad"}, batch={"max_bytes": 64 * MIB})
    return Hostile(asked, b"k\n" + b"\n".join(rows), 100, frozenset([50]))


def long_name(random: Random) -> Hostile:
    """A column with a name as long as a book."""
    name = "n" * random.randint(100_000, 200_000)
    asked = ask("reports", {"kind": "csv"}) | {"parameters": {"group_by": [name]}}
    return Hostile(asked, f"{name}\n1\n".encode(), None)


def long_key(random: Random) -> Hostile:
    """A name of a JSON field as long as a book, which no header shows."""
    name = "n" * random.randint(100_000, 200_000)
    rows = [b'{"k":"1","%s":"1"}' % name.encode()] * 20
    return Hostile(ask("reports", {"kind": "jsonl"}) | report(), b"\n".join(rows), 20)


def long_group_name(random: Random) -> Hostile:
    """A name of a field to group by that is as long as a book."""
    name = "n" * random.randint(100_000, 200_000)
    asked = ask("reports", {"kind": "jsonl"}) | {"parameters": {"group_by": [name]}}
    return Hostile(asked, b'{"%s":"1"}' % name.encode(), None)


def long_group(random: Random) -> Hostile:
    """Texts too long to name a group: their rows fail alone."""
    text = "x" * random.randint(100_000, 200_000)
    rows = ["a", text, "b"] * 10
    asked = ask("reports", {"kind": "csv"}) | report()
    return Hostile(asked, "\n".join(["k", *rows]).encode(), 30, frozenset(range(1, 30, 3)))


def constants_to_undo(random: Random) -> Hostile:
    """Items with a constant of a megabyte, all of which are undone."""
    hostile = constant_in_each(random)
    return replace(hostile, request=hostile.request | {"on_exceeded": "compensate"})


CASES: dict[str, Callable[[Random], Hostile]] = {
    make.__name__: make
    for make in (
        one_text_for_all,
        long_run,
        page_of_zeros,
        list_of_nulls,
        padded_rows,
        padded_report,
        constant_in_each,
        paths_to_one_text,
        empty_objects,
        many_delimiters,
        long_name,
        long_key,
        long_group_name,
        long_group,
        constants_to_undo,
    )
}


@dataclass(frozen=True)
class Course:
    """What a run came to.

    Attributes:
        refusal: Why it was refused; None if it was not.
        failed: The positions of the items that failed.
        errors: The types of their errors.
        peak_mib: The most memory that the process had.
    """

    outcome: str
    succeeded: int
    failed: list[int]
    errors: list[str]
    refusal: str | None
    error: str | None
    peak_mib: int


def run_in_child(case: str, seed: int, folder: Path, seconds: float) -> tuple[Hostile, Course]:
    """Make a source in one process, and run over it in another, so that its memory is measured.

    Raises:
        subprocess.SubprocessError: It was killed, or took longer.
    """
    call_child(__name__, "make", case, str(seed), str(folder), seconds=seconds)
    hostile = load(folder)
    return hostile, Course(**json.loads(call_child(__name__, "run", str(folder), seconds=seconds)))


def call_child(module: str, *arguments: str, seconds: float) -> str:
    """Run a module in a process of its own; gives what it printed.

    Raises:
        subprocess.SubprocessError: It was killed, or took longer.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        fault = f"{arguments} ended by {done.returncode}: {done.stderr[-2000:]}"
        raise subprocess.SubprocessError(fault)
    return done.stdout


def save(hostile: Hostile, folder: Path) -> None:
    (folder / "data").write_bytes(hostile.data)
    document = {"request": hostile.request, "rows": hostile.rows, "bad": sorted(hostile.bad)}
    (folder / "case.json").write_text(json.dumps(document))


def load(folder: Path) -> Hostile:
    document = json.loads((folder / "case.json").read_text())
    data, bad = (folder / "data").read_bytes(), frozenset(document["bad"])
    return Hostile(document["request"], data, document["rows"], bad)


def carry_out(hostile: Hostile, folder: Path) -> Course:
    """Run over a source in this process."""
    echoes.register()
    store = DiskStore(folder / "store")
    run = LocalRun(RunRequest.model_validate(hostile.request), store)
    run.store.write("inbox", "data", hostile.data)
    with local_settings():
        refusal = carry_out_unless_refused(run)
    if refusal is not None:
        return Course("refused", 0, [], [], refusal, None, peak_mib())
    end = run.finalize()
    counts = [result.model_dump() for result in run.results]
    failed = [error["type"] for result in counts for error in result["errors"]]
    positions = [*failed_positions(run)]
    well = end.items.succeeded + end.items.compensated
    return Course(end.outcome, well, positions, sorted({*failed}), None, end.error, peak_mib())


def failed_positions(run: LocalRun) -> Iterator[int]:
    """The positions of failed items, of outcomes read one by one."""
    names = [file.name for file in run.manifest().files if file.name.startswith("FAILED")]
    for name in names:
        for line in run.files.read(blob_paths.result_path(RUN_ID, name)).splitlines():
            outcome = from_json(line)
            yield from range(outcome["index"], outcome["index"] + outcome.get("count", 1))


def peak_mib() -> int:
    """The most memory that this process has had."""
    return read_memory("VmHWM") // MIB


def main() -> None:
    """Make a case, or run over it."""
    logging.disable()
    action, *rest = sys.argv[1:]
    if action == "make":
        case, seed, folder = rest
        save(CASES[case](Random(seed)), Path(folder))
        return
    folder = Path(rest[0])
    print(json.dumps(carry_out(load(folder), folder).__dict__))


if __name__ == "__main__":
    main()
