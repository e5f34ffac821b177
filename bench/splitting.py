"""How fast a source is cut into batches (MB/s) and its records are parsed, on one core.

`python -m bench.splitting`; nothing but bytes in memory takes part.
"""

import time
from collections.abc import Callable

from bench import measure
from fanout.models.plan import Cut
from fanout.models.request import BatchLimits
from fanout.records import Chunk
from fanout.splitting.records import parse_records
from fanout.splitting.scan import LineKind
from fanout.splitting.split import split

SIZE_BYTES = 64 * 1_048_576
CHUNK_BYTES = 4 * 1_048_576
RUNS = 5
HEADER = b"id,day,carrier,minutes,origin,note\n"
SOURCES: dict[str, tuple[LineKind, bytes, str]] = {
    "plain CSV": ("csv", HEADER, "%d,2013-01-01,UA,1545,EWR,some text here\n"),
    "CSV with one quoted field": ("csv", HEADER, '%d,2013-01-01,UA,1545,EWR,"some, text"\n'),
    "CSV quoted, over two lines": ("csv", HEADER, '"%d","2013","UA","1","E""R","a, b\nc"\n'),
    "CSV with stray quotes": ("csv", HEADER, '%d,2013-01-01,UA,1545,EWR,5" pipe\n'),
    "JSON lines of 150 bytes": (
        "jsonl",
        b"",
        '{"id": %d, "name": "customer", "email": "user@example.com", "amount": 182.2549, '
        '"note": "' + 43 * "x" + '", "ok": true}\n',
    ),
}


def main() -> None:
    """Measure each source, print a table and save the figures."""
    rows, figures = [], {}
    for name, (kind, header, row) in SOURCES.items():
        blob = _make_blob(header, row)
        chunks = [
            blob[offset : offset + CHUNK_BYTES] for offset in range(0, len(blob), CHUNK_BYTES)
        ]
        cuts = list(split(chunks, kind, BatchLimits()).cuts)
        items = sum(cut.items for cut in cuts)
        cutting = _best_seconds(lambda kind=kind, chunks=chunks: _cut_all(chunks, kind))
        parsing = _best_seconds(
            lambda kind=kind, blob=blob, cuts=cuts: _parse_all(blob, kind, cuts)
        )
        figures[name] = {
            "cut_mb_per_second": len(blob) / cutting / 1e6,
            "parsed_records_per_second": items / parsing,
        }
        rows.append((name, f"{len(blob) / cutting / 1e6:,.0f}", f"{items / parsing:,.0f}"))
    measure.show("splitting, one core", ["source", "cut MB/s", "parsed records/s"], rows)
    measure.save("splitting", figures)


def _make_blob(header: bytes, row: str) -> bytes:
    count = SIZE_BYTES // len(row)
    return header + "".join(row % number for number in range(count)).encode()


def _cut_all(chunks: list[bytes], kind: LineKind) -> None:
    for _ in split(chunks, kind, BatchLimits()).cuts:
        pass


def _parse_all(blob: bytes, kind: LineKind, cuts: list[Cut]) -> None:
    columns = HEADER.decode().strip().split(",") if kind == "csv" else None
    for cut in cuts:
        data = blob[cut.offset : cut.end]
        chunk = Chunk(kind, data, columns, cut.first_index, cut.first_line, cut.items)
        for record in parse_records(chunk):
            if record.error is not None:
                raise AssertionError(record.error.message)


def _best_seconds(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
