"""What earlier versions left on Durable is purged, once."""

from types import SimpleNamespace

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.naming import blob_paths
from starters.lifecycle.earlier_versions import MARKERS_FOLDER, clean_up
from tests.support.doubles.memory_store import MemoryStore
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.workloads.kept_runs import claim


class Client:
    def __init__(self) -> None:
        self.purged: list[str] = []

    async def purge_instance_history(self, instance: str) -> SimpleNamespace:
        self.purged.append(instance)
        return SimpleNamespace(instances_deleted=1)


async def test_entities_and_markers_are_cleaned_up_once():
    files, rows = RunFiles(MemoryStore(), "runs"), Rows(MemoryTables(), "fanoutruns")
    claim(files, rows, "old")
    files.write(blob_paths.attempt_path("old", 2), b"{}")
    files.write(f"{MARKERS_FOLDER}old", b"")
    client = Client()
    purged = await clean_up(client, files, rows)
    assert purged == len(client.purged)
    assert {"@admission@app", "@governor@old", "@governor@old:a2"} <= set(client.purged)
    assert list(files.names(MARKERS_FOLDER)) == []
    assert await clean_up(client, files, rows) == 0
    assert len(client.purged) == purged
