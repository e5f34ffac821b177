"""What storage answers while it is away says nothing of a source, of a run, or of a row."""

import json
import random
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fanout.adapters import transport
from fanout.adapters.blob import BlobStore
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.patience import limit_patience
from fanout.adapters.settings import StorageSettings
from fanout.adapters.sources.blobs import open_blob, read_range
from fanout.adapters.sources.sets import listing_line
from fanout.adapters.tables import RowRange, TableStore, Write
from fanout.models.plan import BlobRef
from tests.support.hostile.storage_proxy import BRIEF, HALF, Trouble, bad_storage

NAME = "b"
ROWS = {"r": {"a": 1}, "s": {"a": 2}}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport.time, "sleep", lambda _: None)


@pytest.fixture
def trouble() -> Trouble:
    return Trouble(random.Random(0))


@pytest.fixture
def away(storage: str, trouble: Trouble) -> Iterator[StorageSettings]:
    with bad_storage(storage, trouble) as connection:
        yield StorageSettings(connection_string=connection)


def on_blobs(call: Callable[[BlobStore, str], Any]) -> Callable[[StorageSettings, str], Any]:
    return lambda settings, name: call(BlobStore.connect(settings), name)


def on_tables(call: Callable[[TableStore, str], Any]) -> Callable[[StorageSettings, str], Any]:
    return lambda settings, name: call(TableStore.connect(settings), name)


def ref(container: str) -> BlobRef:
    return BlobRef(container=container, blob=NAME)


ALL = RowRange(after="a", before="z")
CALLS: dict[str, Callable[[StorageSettings, str], Any]] = {
    "open": on_blobs(lambda store, c: open_blob(store, c, NAME)),
    "open from its end": on_blobs(lambda store, c: open_blob(store, c, NAME, from_end=True)),
    "range": on_blobs(lambda store, c: read_range(store, ref(c), 0, 1)),
    "list": on_blobs(lambda store, c: [listing_line(one) for one in store.entries(c, "")]),
    "names": on_blobs(lambda store, c: [*store.names(c, "")]),
    "write": on_blobs(lambda store, c: store.write(c, NAME, b"x")),
    "write if there is none": on_blobs(lambda s, c: s.write(c, "new", b"x", if_none_match=True)),
    "delete": on_blobs(lambda store, c: store.delete(c, NAME)),
    "read a row": on_tables(lambda tables, t: tables.read(t, "p", ["r"])),
    "read all rows": on_tables(lambda tables, t: tables.read_all(t, "p")),
    "read a range": on_tables(lambda tables, t: tables.read_range(t, "p", ALL, 10)),
    "write a row": on_tables(lambda t, n: t.write(n, "p", [Write("n", {"a": 1}, mode="put")])),
    "write rows": on_tables(
        lambda t, n: t.write(n, "p", [Write(key, {"a": 1}, mode="put") for key in ROWS])
    ),
    "delete rows": on_tables(lambda tables, t: tables.delete(t, "p", ["r", "s"])),
}


# Their answers have no body, of which half would be missing.
WITHOUT_BODY = {"open from its end", "write", "write if there is none", "delete", "write a row"}
TRIES_SECONDS = 20


@pytest.mark.parametrize("call", CALLS)
def test_whatever_is_asked_a_bad_answer_is_one_of_infrastructure(
    storage: str, away: StorageSettings, trouble: Trouble, call: str
):
    name = f"t{secrets.token_hex(6)}"
    well = StorageSettings(connection_string=storage)
    BlobStore.connect(well).write(name, NAME, json.dumps(ROWS).encode())
    TableStore.connect(well).write(name, "p", [Write(key, row) for key, row in ROWS.items()])
    trouble.share = 1.0
    for answer in BRIEF:
        trouble.answers = (answer,)
        if answer == HALF and call in WITHOUT_BODY:
            continue
        with pytest.raises(Exception) as raised, limit_patience(TRIES_SECONDS):
            CALLS[call](away, name)
        assert is_infrastructure(raised.value), (answer, repr(raised.value))
