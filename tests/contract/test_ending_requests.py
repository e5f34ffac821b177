"""What the end of a small run asks of a real storage account: what it asks of the doubles."""

import logging
import re
import secrets

import pytest

import activities.endings.finish as finishing
from fanout.adapters.blob import BlobStore
from fanout.adapters.run_files.files import forget_kept
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from tests.support.replays.ending_runs import EndingRun

SDK = "azure.core.pipeline.policies.http_logging_policy"
# The SDK logs each request that it sends, a transaction of rows as one.
REQUEST = re.compile(r"Request URL: '(.*)'\nRequest method: '(\w+)'")


@pytest.fixture
def scene(storage: str, monkeypatch: pytest.MonkeyPatch) -> EndingRun:
    monkeypatch.setattr(finishing, "messaging", lambda: None)
    forget_kept()
    account, name = StorageSettings(connection_string=storage), f"t{secrets.token_hex(6)}"
    store, tables = BlobStore.connect(account), TableStore.connect(account)
    return EndingRun(store, tables, fails=(), container=name)


def requests(caplog: pytest.LogCaptureFixture, scene: EndingRun) -> list[str]:
    """The requests that were logged, with what they were for."""
    found = (REQUEST.match(record.getMessage()) for record in caplog.records)
    table = re.compile(rf"{scene.rows.table}|\$batch")
    return sorted(
        f"{match[2]} {'rows' if table.search(match[1]) else 'blobs'}" for match in found if match
    )


@pytest.mark.parametrize("is_known", [False, True])
def test_the_end_of_a_small_run_is_a_few_requests(
    scene: EndingRun, is_known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    known = scene.know() if is_known else None
    with caplog.at_level(logging.INFO, SDK):
        end = scene.settle_and_end(known).end
    assert end is not None and end.outcome == "succeeded"
    # Result file, manifest, summary; the rows of the attempt and of the index; the place.
    written = ["PUT blobs"] * 3 + ["POST rows"] * 2 + ["GET rows", "PUT rows"]
    # The rows, the list of parts, the part; the plan was read for its batch.
    read = ["GET rows", "GET blobs", "GET blobs"]
    assert requests(caplog, scene) == sorted(written if is_known else [*written, *read])
    scene.insist_on_results()
