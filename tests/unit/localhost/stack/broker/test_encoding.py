"""Encoded messages taken apart and put together: what the broker does not touch stays as it was."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proton import Data, Described, symbol, timestamp, ulong
from proton import Message as ProtonMessage

from localhost.stack.broker import encoding
from localhost.stack.broker.message import DeadLetter, Message, State
from localhost.stack.broker.settings import CorrelationFilter


def _section(code: int, value: object) -> bytes:
    data = Data()
    data.put_object(Described(ulong(code), value))
    return bytes(data.encode())


def _decoded(content: bytes) -> ProtonMessage:
    message = ProtonMessage()
    message.decode(content)
    return message


def _accepted(content: bytes, **known: object) -> Message:
    return Message(7, content, enqueued_at=1.5, **known)  # type: ignore[arg-type]


BODIES = {
    "data": _section(0x75, b"one") + _section(0x75, b"two"),
    "sequence": _section(0x76, [1, b"x"]) + _section(0x76, [2]),
    "value with keys that Python cannot hash": _section(0x77, {b"k": [None, {b"l": 1}]}),
    "data and a footer": _section(0x75, b"one") + _section(0x78, {symbol("f"): 1}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_body_and_footer_leave_as_they_came(body: bytes) -> None:
    assert encoding.encode_for_receiver(_accepted(body)).endswith(body)
    assert encoding.split_batch(body) == [body]


def test_properties_of_every_type_leave_as_they_came() -> None:
    properties = _section(0x73, [uuid.UUID(int=5), b"user", "to"])
    application = _section(0x74, {"b": b"\xff", "t": timestamp(5), "n": None})
    content = properties + application + BODIES["data"]
    assert encoding.encode_for_receiver(_accepted(content)).endswith(content)


def test_the_broker_adds_what_it_knows() -> None:
    content = _section(0x72, {symbol("mine"): "kept"}) + BODIES["data"]
    message = _accepted(content, delivery_count=2, state=State.DEFERRED)
    found = _decoded(encoding.encode_for_receiver(message, locked_until=9.25))
    assert found.delivery_count == 2
    assert found.annotations == {
        "mine": "kept",
        "x-opt-sequence-number": 7,
        "x-opt-enqueued-time": 1500,
        "x-opt-locked-until": 9250,
        "x-opt-message-state": 1,
    }


def test_the_senders_delivery_annotations_go_no_further() -> None:
    content = _section(0x71, {symbol("hop"): 1}) + BODIES["data"]
    assert b"hop" not in encoding.encode_for_receiver(_accepted(content))


def test_a_dead_letter_carries_its_reason_beside_its_own_properties() -> None:
    content = _section(0x74, {"mine": b"kept"}) + BODIES["data"]
    message = _accepted(content, dead_letter=DeadLetter("q", "r", "d"))
    found = _decoded(encoding.encode_for_receiver(message))
    assert found.annotations["x-opt-deadletter-source"] == "q"
    assert found.properties["DeadLetterReason"] == "r"
    assert found.properties["DeadLetterErrorDescription"] == "d"
    assert bytes(found.properties["mine"]) == b"kept"


def test_a_draft_reads_what_the_broker_goes_by() -> None:
    message = ProtonMessage(body=b"x", id="m", ttl=2.5)
    message.annotations = {symbol("x-opt-scheduled-enqueue-time"): timestamp(9500)}
    draft = encoding.read_draft(bytes(message.encode()))
    assert draft.message_id == "m"
    assert (draft.time_to_live_seconds, draft.scheduled_at) == (2.5, 9.5)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_batch_is_taken_apart_into_its_messages(bodies: list[bytes]) -> None:
    messages = [_section(0x73, [f"{i}"]) + _section(0x75, b) for i, b in enumerate(bodies)]
    batch = b"".join(_section(0x75, message) for message in messages)
    assert encoding.split_batch(batch) == messages


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_and_nothing_else_happens(content: bytes) -> None:
    try:
        encoding.split_sections(content)
        encoding.split_batch(content)
    except encoding.MalformedMessageError:
        assert content


@given(st.binary(max_size=200))
def test_a_body_is_a_body_whatever_is_in_it(body: bytes) -> None:
    content = _section(0x75, body)
    if not body.startswith(b"\x00"):
        assert encoding.split_batch(content) == [content]


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ((), True),
        ((CorrelationFilter((("subject", "s"),)),), True),
        ((CorrelationFilter((("subject", "other"),)),), False),
        ((CorrelationFilter((("to", "t"),)),), False),
        ((CorrelationFilter((), (("k", 1),)),), True),
        ((CorrelationFilter((), (("k", "1"),)),), False),
        ((CorrelationFilter((("subject", "s"),), (("k", 2),)),), False),
        ((CorrelationFilter((("to", "t"),)), CorrelationFilter((), (("k", 1),))), True),
    ],
)
def test_one_filter_has_to_match_in_all_it_names(
    wanted: tuple[CorrelationFilter, ...], passes: bool
) -> None:
    message = ProtonMessage(body=b"x", subject="s", properties={"k": 1})
    assert encoding.is_accepted(wanted, bytes(message.encode())) is passes
