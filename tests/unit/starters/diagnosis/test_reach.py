"""Storage and Service Bus are tried by what the app does there, and nothing is left of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from fanout.adapters.blob import BlobStore
from fanout.adapters.messaging import Messaging
from fanout.adapters.rows.rows import Rows
from fanout.adapters.settings import ServiceBusSettings, Settings, StorageSettings
from fanout.adapters.tables import TableStore
from fanout.models.answers import Finding
from fanout.naming.row_keys import DIAGNOSIS_PARTITION
from starters.api.health import describe_fault
from starters.diagnosis.reach import Reach, check_skew
from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.product import client_of, new_container
from tests.support.hosts.silent import closed_port
from tests.support.services.raw_answers import raw_server

KEY = "c2VjcmV0IG9mIHRoZSBhY2NvdW50"
REFUSED = (
    b"HTTP/1.1 403 Forbidden\r\nx-ms-error-code: AuthorizationPermissionMismatch\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FanoutBus]:
    bus = FanoutBus(tmp_path_factory.mktemp("bus"))
    yield bus
    bus.close()


def reach(*sources: str) -> Reach:
    return Reach(Settings(StorageSettings(), source_containers=sources), describe_fault)


def storage_at(port: int) -> StorageSettings:
    url = f"http://127.0.0.1:{port}/account"
    return StorageSettings(
        f"AccountName=account;AccountKey={KEY};BlobEndpoint={url};TableEndpoint={url}"
    )


def test_a_blob_is_written_read_listed_and_gone(storage: str):
    container = new_container("diagnosed")
    store = BlobStore.connect(StorageSettings(storage))
    found = reach().check_blobs(store, container)
    assert [(one.check, one.level) for one in found] == [("storage.blobs", "ok"), ("clock", "ok")]
    with client_of(storage) as blobs:
        assert list(blobs.get_container_client(container).list_blob_names()) == []


def test_a_row_is_written_read_and_gone(storage: str):
    rows = Rows(TableStore.connect(StorageSettings(storage)), "fanoutdiagnosed")
    (found,) = reach().check_tables(rows)
    assert (found.check, found.level) == ("storage.tables", "ok")
    assert rows.read_all(DIAGNOSIS_PARTITION) == {}


def test_containers_of_sources_are_looked_into_by_name(storage: str):
    there, store = new_container("there"), BlobStore.connect(StorageSettings(storage))
    with client_of(storage) as blobs:
        blobs.create_container(there)
    found = reach(there, "not-there", "any-*").check_sources(store)
    assert [one.level for one in found] == ["ok", "warning"]
    assert "not-there" in found[1].remedy


PORTS: list[tuple[Callable[[], AbstractContextManager[int]], str, str]] = [
    (partial(lambda: raw_server(REFUSED)), "403", "Give the app's identity the role"),
    (closed_port, "Connection refused", "firewall"),
]


@pytest.fixture(params=PORTS, ids=["refused", "closed"])
def away(request: pytest.FixtureRequest) -> Iterator[tuple[StorageSettings, str, str]]:
    make, reason, remedy = request.param
    with make() as found:
        yield storage_at(getattr(found, "port", found)), reason, remedy


def dated(date: str) -> bytes:
    """The refusal, with the clock of storage."""
    return REFUSED.replace(b"Connection:", b"Date: " + date.encode() + b"\r\nConnection:")


def insist_on(found: list[Finding], reason: str, remedy: str, role: str) -> None:
    (only,) = found
    assert only.level == "error"
    assert reason in only.message
    assert remedy in only.remedy
    assert (role in only.remedy) == ("role" in remedy)
    assert KEY not in only.message + only.remedy
    assert "127.0.0.1" not in only.message + only.remedy


def test_storage_that_refuses_or_is_away_is_told_with_the_role(
    away: tuple[StorageSettings, str, str],
):
    account, reason, remedy = away
    store = BlobStore.connect(account)
    blobs = reach().check_blobs(store, "runs")
    insist_on(blobs, reason, remedy, "Storage Blob Data Contributor")
    rows = reach().check_tables(Rows(TableStore.connect(account), "fanoutruns"))
    insist_on(rows, reason, remedy, "Storage Table Data Contributor")
    sources = reach("inbox", "orders").check_sources(store)
    insist_on(sources[:1], reason, remedy, "Storage Blob Data Reader")


@pytest.mark.parametrize(("minutes", "side"), [(20, "behind"), (-20, "ahead of")])
def test_a_refusal_by_a_wrong_clock_names_the_clock_and_no_role(minutes: int, side: str):
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with raw_server(dated(date)) as away:
        account = storage_at(away.port)
        store = BlobStore.connect(account)
        clock, blobs = reach().check_blobs(store, "runs")
        (rows,) = reach().check_tables(Rows(TableStore.connect(account), "fanoutruns"))
        (source,) = reach("orders").check_sources(store)
    assert (clock.check, clock.level) == ("clock", "error")
    assert side in clock.message
    for found in (blobs, rows, source):
        assert (found.level, "403" in found.message) == ("error", True)
        assert "clock" in found.remedy
        assert "role" not in found.remedy


@pytest.mark.parametrize("date", ["now", "no date", "Mon, 32 Nov 2026 99:00:00 GMT", ""])
def test_a_refusal_by_a_right_clock_or_without_a_date_names_the_role(date: str):
    now = format_datetime(datetime.now(UTC), usegmt=True)
    with raw_server(dated(now if date == "now" else date)) as away:
        found = reach().check_blobs(BlobStore.connect(storage_at(away.port)), "runs")
    assert [one.check for one in found] == ["storage.blobs"]
    assert "Give the app's identity the role" in found[0].remedy


def test_service_bus_is_opened_and_nothing_is_sent(bus: FanoutBus):
    messaging = Messaging.connect(ServiceBusSettings(bus.connection_string))
    (found,) = reach().check_service_bus(messaging)
    messaging.close()
    assert (found.check, found.level) == ("service-bus", "ok")
    assert bus.dead_letters_now() == []
    (without,) = reach().check_service_bus(None)
    assert without.level == "ok"


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, "ok"), (-29, "ok"), (45, "warning"), (-45, "warning"), (900, "error")],
)
def test_clocks_that_differ_are_told_with_the_side(seconds: int, level: str):
    found = check_skew(timedelta(seconds=seconds))
    assert found.level == level
    if level != "ok":
        assert ("behind" in found.message) == (seconds > 0)
