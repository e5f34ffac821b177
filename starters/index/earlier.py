"""The index that earlier versions of the app kept in the names of blobs (``~index/``).

Each name is taken over as a row of the index and then deleted, so nothing is lost if a crash comes
in between. While instances of both versions are there, the earlier ones write more of them.
"""

from itertools import islice

from pydantic import BaseModel

from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.telemetry.logs import logger
from fanout.naming import blob_paths
from starters.index.rebuild import rebuild_runs
from starters.lifecycle.earlier_versions import PARTITION

log = logger("runs")
INDEX_ROW = "index"
IMPORTED_AT_ONCE = 500


class _Done(BaseModel):
    is_done: bool = False


def import_once(files: RunFiles, rows: Rows, limit: int = IMPORTED_AT_ONCE) -> int:
    """Take over some runs, unless all have been; give how many."""
    if rows.load(PARTITION, INDEX_ROW, _Done).is_done:
        return 0
    imported = import_some(files, rows, limit)
    if not imported:
        rows.create(PARTITION, INDEX_ROW, _Done(is_done=True))
    return imported


def import_some(files: RunFiles, rows: Rows, limit: int = IMPORTED_AT_ONCE) -> int:
    """Take over some runs, the newest first; give how many there were.

    Raises:
        AzureError: Storage does not answer; those that are not taken over are still there.
    """
    paths = [*islice(files.names(blob_paths.EARLIER_INDEX_FOLDER), limit)]
    rebuild_runs(map(blob_paths.parse_earlier_index_path, paths), files, rows)
    for path in paths:
        files.delete(path)
    if paths:
        log.info("took over %d runs from the index of an earlier version", len(paths))
    return len(paths)
