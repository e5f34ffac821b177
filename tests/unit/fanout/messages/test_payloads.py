import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.messages.batches import BatchRef, WaveTally
from fanout.messages.payloads import (
    MAX_PAYLOAD_BYTES,
    TICKET_BYTES,
    PayloadTooLargeError,
    dump,
    shorten,
)
from fanout.models.status import ErrorGroup


def tally(message: str) -> WaveTally:
    return WaveTally(errors=[ErrorGroup(type="Fault", message=message, count=1)])


def test_a_message_becomes_plain_json():
    ref = BatchRef(run_id="r", partition=1, first_cut=2)
    assert BatchRef.model_validate(dump(ref)) == ref


def test_a_message_of_four_kibibytes_with_its_ticket_passes_and_one_byte_more_does_not():
    room = MAX_PAYLOAD_BYTES - TICKET_BYTES - len(json.dumps(dump(tally(""))))
    dump(tally("x" * room))
    with pytest.raises(PayloadTooLargeError, match="WaveTally takes 4049 bytes"):
        dump(tally("x" * (room + 1)))


@pytest.mark.parametrize("character", ["é", "\x00", "😀"])
def test_what_counts_is_the_bytes_that_the_history_takes(character: str):
    with pytest.raises(PayloadTooLargeError):
        dump(tally(character * 700))


@given(st.text(), st.integers(0, 60))
def test_a_shortened_text_is_the_longest_beginning_that_fits(text: str, max_bytes: int):
    short = shorten(text, max_bytes)
    assert text.startswith(short)
    assert len(json.dumps(short)) - 2 <= max_bytes
    if short != text:
        assert len(json.dumps(text[: len(short) + 1])) - 2 > max_bytes
