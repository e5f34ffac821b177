import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.exceptions import HttpResponseError

from fanout.errors import PermanentError, TransientError, UnknownVersionError
from tests.support.doubles.memory_store import MemoryStore
from workloads.notifications import receipts as receipts_room
from workloads.notifications.keys import receipt_path
from workloads.notifications.receipts import Receipt, Receipts


class LockedStore(MemoryStore):
    """As storage has it, of two conditional writes at once only one wins."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def write(self, *args, **options):
        with self._lock:
            return super().write(*args, **options)


def receipts(store: MemoryStore, **options: float) -> Receipts:
    return Receipts(store, "runs", "r", **options)


def test_what_was_sent_is_not_sent_again():
    store, sent = LockedStore(), []

    def send() -> Receipt:
        sent.append(1)
        return Receipt(status="sent", message_id=str(len(sent)))

    first = receipts(store).send_once("k/email", "c", send)
    assert receipts(store).send_once("k/email", "c", send) == first
    assert len(sent) == 1
    receipts(store).send_once("k/sms", "c", send)
    assert len(sent) == 2


def test_of_two_at_once_one_sends_and_the_other_waits_for_its_receipt():
    store, sent, go = LockedStore(), [], threading.Event()

    def send() -> Receipt:
        go.wait(10)
        sent.append(1)
        return Receipt(status="sent", message_id="m")

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(receipts(store).send_once, "k", "c", send) for _ in range(4)]
        go.set()
        found = [call.result(timeout=10) for call in calls]
    assert len(sent) == 1
    assert {receipt.message_id for receipt in found} == {"m"}


def test_what_failed_may_be_sent_by_the_next():
    store = LockedStore()

    def fail() -> Receipt:
        raise TransientError("not now")

    with pytest.raises(TransientError):
        receipts(store).send_once("k", "c", fail)
    assert receipts(store).send_once("k", "c", lambda: Receipt(status="sent")).status == "sent"


class Died(BaseException):
    """Stands for the death of the process: nothing after it runs."""


def test_after_a_death_in_between_it_is_sent_again_once_the_claim_has_run_out():
    store = LockedStore()

    def die() -> Receipt:
        raise Died

    with pytest.raises(Died):
        receipts(store, claim_seconds=0.05).send_once("k", "c", die)
    assert list(store.names("runs", "r/")) == [receipt_path("r", "k", 0)]
    assert receipts(store).send_once("k", "c", lambda: Receipt(status="sent")).status == "sent"


def test_one_who_lost_his_claim_and_then_fails_leaves_the_others_receipt():
    store = LockedStore()

    def overtaken() -> Receipt:
        receipts(store).send_once("k", "c", lambda: Receipt(status="sent", message_id="other"))
        raise TransientError("too slow")

    with pytest.raises(TransientError):
        receipts(store, claim_seconds=0).send_once("k", "c", overtaken)
    kept = receipts(store).send_once("k", "c", lambda: pytest.fail("it was sent before"))
    assert kept.message_id == "other"


def test_another_recipient_of_the_same_id_is_told_nothing_in_his_place():
    store = LockedStore()
    receipts(store).send_once("k", "ada", lambda: Receipt(status="sent"))
    with pytest.raises(PermanentError, match="same id"):
        receipts(store).send_once("k", "bob", lambda: pytest.fail("not to be sent"))


def test_a_wait_that_was_asked_for_holds_for_whoever_comes_meanwhile():
    store = LockedStore()

    def fail() -> Receipt:
        raise TransientError("busy", retry_after=60)

    with pytest.raises(TransientError):
        receipts(store).send_once("k", "c", fail)
    with pytest.raises(TransientError, match="asked us to wait") as raised:
        receipts(store).send_once("k", "c", lambda: pytest.fail("too early"))
    assert 0 < raised.value.retry_after <= 60


def test_of_many_that_find_a_claim_run_out_only_one_sends():
    store, sent = LockedStore(), []

    def die() -> Receipt:
        raise Died

    def send() -> Receipt:
        sent.append(1)
        return Receipt(status="sent")

    with pytest.raises(Died):
        receipts(store, claim_seconds=0).send_once("k", "c", die)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: receipts(store).send_once("k", "c", send), range(8)))
    assert len(sent) == 1


@pytest.mark.parametrize("length", [0, 1, 20, 60])
def test_of_a_note_that_is_damaged_nobody_knows_whether_the_message_was_sent(length: int):
    store, sent = LockedStore(), []

    def send() -> Receipt:
        sent.append(1)
        return Receipt(status="sent", message_id="m")

    receipts(store).send_once("k", "c", send)
    blob = receipt_path("r", "k", 0)
    kept = store.properties("runs", blob)
    assert kept is not None
    store.write("runs", blob, store.read("runs", blob)[:length], metadata=kept.metadata)
    for _ in range(2):
        assert receipts(store).send_once("k", "c", send).message_id == "m"
    assert len(sent) == 2


def test_a_note_of_another_version_of_the_app_is_refused_by_name():
    store, sent = LockedStore(), []
    blob = receipt_path("r", "k", 0)
    store.write("runs", blob, b'{"version":2,"content":"c","until":"2999-01-01T00:00:00Z"}')
    with pytest.raises(UnknownVersionError, match="version 2"):
        receipts(store).send_once("k", "c", lambda: sent.append(1))
    assert sent == []


def test_a_note_of_an_earlier_version_of_the_app_counts():
    store = LockedStore()
    note = b'{"content":"c","until":"2026-01-01T00:00:00Z","receipt":{"status":"suppressed"}}'
    store.write("runs", receipt_path("r", "k", 0), note)
    assert receipts(store).send_once("k", "c", pytest.fail).status == "suppressed"


class AwayStore(LockedStore):
    """Takes no note of this number, counted from 0, nor the next ones: so many are refused."""

    def __init__(self, first: int, refusals: int) -> None:
        super().__init__()
        self._first, self._refusals, self._writes = first, refusals, 0

    def write(self, *args, **options):
        self._writes += 1
        if self._first < self._writes <= self._first + self._refusals:
            error = HttpResponseError("AuthorizationFailure")
            error.status_code = 403
            raise error
        return super().write(*args, **options)


@pytest.mark.parametrize("has_failed", [False, True])
def test_while_storage_takes_no_receipt_nobody_sends_again(
    monkeypatch: pytest.MonkeyPatch, has_failed: bool
):
    monkeypatch.setattr(receipts_room, "RETRY_SECONDS", 0.01)
    store, sent = AwayStore(first=1, refusals=5), []

    def send() -> Receipt:
        sent.append(1)
        if has_failed and len(sent) == 1:
            raise TransientError("not now")
        return Receipt(status="sent", message_id="m")

    if has_failed:
        with pytest.raises(TransientError, match="not now"):
            receipts(store).send_once("k", "c", send)
    else:
        receipts(store).send_once("k", "c", send)
    assert receipts(store).send_once("k", "c", send).message_id == "m"
    assert len(sent) == 1 + has_failed


def test_a_receipt_is_not_waited_for_when_the_claim_has_run_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(receipts_room, "RETRY_SECONDS", 0.01)
    store = AwayStore(first=1, refusals=1000)
    with pytest.raises(HttpResponseError):
        receipts(store, claim_seconds=0.1).send_once("k", "c", lambda: Receipt(status="sent"))
