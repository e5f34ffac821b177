"""The broker's file: what was committed is there for the next process, and for one at a time."""

import sqlite3
from pathlib import Path

import pytest

from localhost.stack.broker import settings
from localhost.stack.broker import store as store_module
from localhost.stack.broker.message import DeadLetter, Draft, Message, State
from localhost.stack.broker.namespace import Namespace, UnknownEntityError
from localhost.stack.broker.store import FILE, KnownId, Store, StoreError
from tests.support.services.broker import Clock

FULL = Message(
    3,
    b"content",
    enqueued_at=1.25,
    message_id="m",
    time_to_live_seconds=5.0,
    scheduled_at=2.5,
    state=State.DEFERRED,
    delivery_count=2,
    is_locked=True,
    dead_letter=DeadLetter("q", "r", None),
)


def test_a_message_comes_back_in_every_field(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("q", FULL)
    store.put("q", Message(4, b"", enqueued_at=1.0))
    store.commit()
    store.close()
    again = Store(tmp_path)
    assert list(again.messages()) == [("q", FULL), ("q", Message(4, b"", enqueued_at=1.0))]
    again.close()


def test_numbers_and_ids_come_back_and_can_be_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.count("q", 1)
    store.count("q", 5)
    store.remember("q", "late", 2, 20.0)
    store.remember("q", "soon", 1, 10.0)
    store.commit()
    store.forget("q", "late")
    store.commit()
    assert not store.has_changes()
    assert store.numbers() == [("q", 5)]
    assert store.known_ids() == [KnownId("q", "soon", 1, 10.0)]
    store.close()


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("q", FULL)
    store.close()
    again = Store(tmp_path)
    assert list(again.messages()) == []
    again.close()


def test_a_message_that_came_and_went_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("q", FULL)
    store.commit()
    store.put("q", FULL)
    store.remove("q", FULL.sequence_number)
    store.commit()
    assert list(store.messages()) == []
    store.close()


def test_a_file_has_one_broker_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "WAIT_SECONDS", 0.1)
    first = Store(tmp_path)
    with pytest.raises(StoreError, match="another broker uses it"):
        Store(tmp_path)
    first.close()
    Store(tmp_path).close()


@pytest.mark.parametrize("content", [b"something else entirely, and long enough" * 9, None])
def test_a_file_that_is_not_a_brokers_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    else:
        other = sqlite3.connect(tmp_path / FILE)
        other.execute("PRAGMA user_version = 7")
        other.close()
    with pytest.raises(StoreError, match="not a broker's"):
        Store(tmp_path)


def _namespace(store: Store, clock: Clock, *names: str) -> Namespace:
    window = settings.IngressSettings(duplicate_window_seconds=60.0)
    declared = settings.Namespace(
        queues=tuple(settings.Queue(name, window) for name in names),
        topics=(settings.Topic("t", window, (settings.Subscription("s"),)),),
    )
    return Namespace(
        declared, clock, store, lambda filters: lambda content: True, lambda content: None
    )


def test_addresses_are_found_without_regard_to_case(tmp_path: Path) -> None:
    store = Store(tmp_path)
    namespace = _namespace(store, Clock(), "Orders")
    assert namespace.queue("orders/$DeadLetterQueue") is not namespace.queue("ORDERS")
    assert namespace.queue("T/subscriptions/S").path == "t/Subscriptions/s"
    assert namespace.has("t/Subscriptions/s/$deadletterqueue") and namespace.has("T")
    for unknown in ("t/subscriptions/x", "t/s", ""):
        assert not namespace.has(unknown)
        with pytest.raises(UnknownEntityError, match="could not be found"):
            namespace.queue(unknown)
    with pytest.raises(UnknownEntityError):
        namespace.ingress("t/Subscriptions/s")
    store.close()


def test_a_namespace_goes_on_where_its_file_was_left(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(tmp_path)
    namespace = _namespace(store, clock, "q", "left")
    namespace.ingress("q").send(Draft(b"a", message_id="1"))
    namespace.ingress("q").send(Draft(b"b", scheduled_at=clock() + 10))
    namespace.ingress("left").send(Draft(b"c"))
    assert namespace.queue("q").receive() is not None
    store.commit()
    store.close()

    store = Store(tmp_path)
    namespace = _namespace(store, clock, "q")
    for entity, last in store.numbers():
        namespace.restore_number(entity, last)
    for known in store.known_ids():
        namespace.restore_known(known.entity, known.message_id, known.number, known.until)
    kept = [namespace.restore_message(queue, message) for queue, message in store.messages()]
    assert sorted(kept) == [False, True, True]
    assert namespace.ingress("q").send(Draft(b"a", message_id="1")) == 1
    assert namespace.next_due() == clock() + 10
    assert [m.state for m in namespace.browse("q")] == [State.ACTIVE, State.SCHEDULED]
    lock = namespace.queue("q").receive()
    assert lock is not None and lock.message.delivery_count == 1
    clock.pass_by(10)
    namespace.advance()
    late = namespace.queue("q").receive()
    assert late is not None and (late.message.content, late.message.sequence_number) == (b"b", 3)
    store.close()
