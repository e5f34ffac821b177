"""Rest records are told from parts, and what is about items that were given back is cut off."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.models.outcome import ErrorInfo, Outcome
from fanout.outcomes.lines import failed_line, range_line, succeeded_line
from fanout.outcomes.rests import MAX_RECORD_BYTES, first_lines, read_rest_record, rest_record

COUNT = st.integers(1, 10_000_000)
LARGE = 10**12
FAULT = ErrorInfo(type="Fault", message="no")


@given(first=st.integers(0, LARGE), kept=COUNT, given_back=COUNT)
def test_a_record_says_how_many_items_are_kept(first: int, kept: int, given_back: int):
    record = rest_record(first, kept, given_back)
    assert read_rest_record(record) == kept
    assert len(record) <= MAX_RECORD_BYTES


@given(first=st.integers(0, LARGE), kept=COUNT, given_back=COUNT)
def test_to_whoever_reads_it_as_a_part_all_items_are_pending(
    first: int, kept: int, given_back: int
):
    lines = [json.loads(line) for line in rest_record(first, kept, given_back).splitlines()]
    assert [line["status"] for line in lines] == ["pending", "pending"]
    assert [line["index"] for line in lines] == [first, first + kept]
    assert [line.get("count", 1) for line in lines] == [kept, given_back]
    assert all(line["attempts"] == 0 for line in lines)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(range_line("pending", 0, 9, 0), id="one line"),
        pytest.param(range_line("pending", 0, 4, 0) * 3, id="three lines"),
        pytest.param(
            range_line("pending", 0, 1, 0, FAULT) + range_line("pending", 1, 1, 0, FAULT),
            id="two items whose turn did not come",
        ),
        pytest.param(
            range_line("pending", 0, 1, 0) + range_line("pending", 1, 1, 0, FAULT),
            id="the second of them says why",
        ),
        pytest.param(
            failed_line("pending", 0, "0", FAULT, 1, 2.0)
            + failed_line("pending", 1, "1", FAULT, 1, 2.0),
            id="two items that wait for another try",
        ),
        pytest.param(
            succeeded_line(0, "0", None, 1, 2.0) + range_line("pending", 1, 3, 0),
            id="one has ended",
        ),
        pytest.param(
            range_line("failed", 0, 1, 1, FAULT) + range_line("failed", 1, 1, 1, FAULT),
            id="two that failed",
        ),
    ],
)
def test_the_part_of_a_batch_is_no_record(part: bytes):
    assert read_rest_record(part) is None


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, list[dict[str, Any]], bytes]:
    """The first index of a part, what each item came to, and the part."""
    first = index = draw(st.integers(0, 1000))
    items: list[dict[str, Any]] = []
    lines = []
    for kind, count in draw(
        st.lists(st.tuples(st.sampled_from("sfpr"), st.integers(1, 5)), max_size=6)
    ):
        if kind == "s":
            lines.append(succeeded_line(index, f"id-{index}", {"n": index}, 1, 2.5))
            items.append({"index": index, "status": "succeeded", "output": {"n": index}})
        elif kind == "f":
            lines.append(failed_line("failed", index, f"id-{index}", FAULT, 2, 2.5))
            items.append({"index": index, "status": "failed", "output": None})
        else:
            status = "pending" if kind == "p" else "failed"
            error = None if kind == "p" else FAULT
            lines.append(range_line(status, index, count, 0, error))
            items += [
                {"index": one, "status": status, "output": None}
                for one in range(index, index + count)
            ]
        index = first + len(items)
    return first, items, b"".join(lines)


@given(part=parts(), kept=st.integers(0, 40))
def test_the_first_lines_are_about_the_items_before_the_end_and_no_other(
    part: tuple[int, list[dict[str, Any]], bytes], kept: int
):
    first, items, data = part
    found = [
        {"index": index, "status": outcome.status, "output": outcome.output}
        for line in first_lines(data, first + kept).splitlines()
        for outcome in [Outcome.model_validate_json(line)]
        for index in range(outcome.index, outcome.index + outcome.count)
    ]
    assert found == items[:kept]


@given(part=parts())
def test_of_a_part_that_is_kept_whole_nothing_changes(
    part: tuple[int, list[dict[str, Any]], bytes],
):
    first, items, data = part
    assert first_lines(data, first + len(items)) == data
