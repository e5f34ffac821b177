"""The outcomes of a run a page at a time, in source order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic_core import from_json

from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.run_files.part_reader import BatchOutcomes, read_batches
from fanout.messages.run import RunRef
from fanout.models.answers import UnreadableLine
from fanout.outcomes.lines import status_of
from fanout.printable import make_printable

MAX_PAGE = 1000
# Outputs may be long: a page ends early behind so many bytes of lines.
MAX_PAGE_BYTES = 4 * 1_048_576
# A page of rare items looks through no more batches than these; the next one goes on.
MAX_BATCHES_A_PAGE = 200
MAX_REASON_CHARACTERS = 200
_CONTINUATION = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})\.([0-9]{1,15})")


class InvalidContinuationError(Exception):
    """It is none that an earlier page gave."""


@dataclass(frozen=True)
class OutcomePage:
    """A page.

    Attributes:
        items: Outcomes; one with a `count` above 1 speaks for as many consecutive items.
        continuation: What the next page is asked for with; None after the last.
        unreadable: Lines that are no outcomes.
    """

    items: list[dict[str, Any]]
    continuation: str | None
    unreadable: list[UnreadableLine] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """A line of a batch; batches are named by partition and first cut."""

    partition: int = 0
    first_cut: int = 0
    line: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "_Place":
        if text is None:
            return cls()
        match = _CONTINUATION.fullmatch(text)
        if match is None:
            raise InvalidContinuationError(f"'{text[:100]}' is no continuation")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"{self.partition}.{self.first_cut}.{self.line}"


def outcome_page(
    files: RunFiles, ref: RunRef, status: str | None, limit: int, continuation: str | None
) -> OutcomePage:
    """Read a page of outcomes.

    Args:
        files: Where the run is kept.
        ref: The run, and the latest attempt to look at.
        status: Only outcomes of this status; None takes every one.
        limit: How many outcomes at most; fewer, but one at least, where they are long.
        continuation: The continuation of the page before; None begins.

    Raises:
        InvalidContinuationError: `continuation` is none that an earlier page gave.
    """
    place = _Place.parse(continuation)
    begin, manifest = (place.partition, place.first_cut), files.manifest(ref.run_id)
    batches = read_batches(files, ref, manifest, begin=begin, on_damage="tell")
    items: list[dict[str, Any]] = []
    unreadable: list[UnreadableLine] = []
    room = MAX_PAGE_BYTES
    for batch in islice(batches, MAX_BATCHES_A_PAGE):
        position = (batch.origin.partition, batch.origin.first_cut)
        skipped = place.line if position == (place.partition, place.first_cut) else 0
        for number, line in _lines(batch, skipped):
            if len(items) + len(unreadable) == limit or room <= 0:
                return OutcomePage(items, str(_Place(*position, number)), unreadable)
            try:
                if batch.fault is not None:
                    raise ValueError(batch.fault)
                if status is None or status_of(line) == status:
                    items.append(_outcome(line))
                    room -= len(line)
            except ValueError as error:
                unreadable.append(_name_line(batch, number, error))
    following = next(batches, None)
    if following is None:
        return OutcomePage(items, None, unreadable)
    place = _Place(following.origin.partition, following.origin.first_cut)
    return OutcomePage(items, str(place), unreadable)


def _outcome(line: bytes) -> dict[str, Any]:
    """Read a line.

    Raises:
        ValueError: It is no outcome.
    """
    status_of(line)
    outcome: dict[str, Any] = from_json(line)
    return outcome


def _name_line(batch: BatchOutcomes, number: int, error: ValueError) -> UnreadableLine:
    reason = make_printable(str(error))[:MAX_REASON_CHARACTERS]
    return UnreadableLine(part=str(batch.origin.part), line=number + 1, reason=reason)


def _lines(batch: BatchOutcomes, skipped: int) -> Iterator[tuple[int, bytes]]:
    """The lines of a batch by number; one that is damaged counts as one."""
    lines = [b""] if batch.fault is not None else batch.lines.splitlines()
    for number, line in enumerate(lines):
        if number >= skipped:
            yield number, line
