import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from localhost.stack.azurite import DEVELOPMENT, Azurite, AzuriteError, connection_string

ROOT = Path(__file__).parents[4]
PARENT = """
import asyncio, sys
from pathlib import Path
from localhost.stack.azurite import DEVELOPMENT, Azurite

async def main():
    azurite = Azurite(Path(sys.argv[1]), {"S": DEVELOPMENT}, may_share=False)
    print((await azurite.start())["S"], azurite.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def service(connection: str) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(connection, api_version=API_VERSION)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def started_by_another(folder: Path) -> tuple[subprocess.Popen[str], str, int]:
    """Start one from a process of its own; give that process, the address and Azurite's pid."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout as said:
        connection, pid = said.readline().split()
    return parent, connection, int(pid)


async def test_only_settings_that_ask_for_it_get_its_address(tmp_path):
    settings = {"A": DEVELOPMENT, "B": "DefaultEndpointsProtocol=https;AccountName=x", "C": "1"}
    azurite = Azurite(tmp_path / "azurite", settings, may_share=False)
    started = await azurite.start()
    try:
        assert set(started) == {"A"}
        with service(started["A"]) as client:
            client.create_container("made")
    finally:
        await azurite.stop()
    assert azurite.pid is None


async def test_nothing_is_started_when_nobody_asks(tmp_path):
    azurite = Azurite(tmp_path / "azurite", {"B": "x"})
    assert await azurite.start() == {}
    assert azurite.pid is None and not (tmp_path / "azurite").exists()


async def test_what_was_written_is_there_after_a_stop(tmp_path):
    for turn in range(2):
        azurite = Azurite(tmp_path / "azurite", {"A": DEVELOPMENT}, may_share=False)
        with service((await azurite.start())["A"]) as client:
            if turn == 0:
                client.create_container("kept").upload_blob("b", b"data")
            else:
                assert client.get_blob_client("kept", "b").download_blob().readall() == b"data"
        await azurite.stop()


async def test_a_killed_parent_takes_it_down_with_everything_written(tmp_path):
    folder = tmp_path / "azurite"
    parent, connection, pid = started_by_another(folder)
    with service(connection) as client:
        client.create_container("kept").upload_blob("b", b"data")
    parent.send_signal(signal.SIGKILL)
    parent.wait()

    successor = Azurite(folder, {"A": DEVELOPMENT}, may_share=False)
    with service((await successor.start())["A"]) as client:
        assert client.get_blob_client("kept", "b").download_blob().readall() == b"data"
    await successor.stop()
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline


async def test_one_that_cannot_start_is_reported_with_its_last_words(tmp_path):
    folder = tmp_path / "azurite"
    folder.mkdir()
    (folder / "__azurite_db_blob__.json").write_text("{")
    azurite = Azurite(folder, {"A": DEVELOPMENT}, may_share=False)
    with pytest.raises(AzuriteError, match="Azurite ended at once"):
        await azurite.start()
    await azurite.stop()


def test_the_connection_string_names_every_service():
    text = connection_string({"Blob": 1, "Queue": 2, "Table": 3})
    assert "BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;" in text
    assert "TableEndpoint=http://127.0.0.1:3/" in text
