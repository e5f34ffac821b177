"""A folder that is to be empty keeps what is there."""

import pytest

from activities.results.results_folder import ResultsExistError, ResultsFolder
from fanout.adapters.run_files.files import RunFiles
from tests.support.doubles.memory_store import MemoryStore

PATH = "r/results/a.txt"


@pytest.fixture
def files() -> RunFiles:
    return RunFiles(MemoryStore(), "runs")  # type: ignore[arg-type]  # the double of it


def write(folder: ResultsFolder, data: bytes, *, in_pieces: bool) -> None:
    if not in_pieces:
        folder.write(PATH, data, "text/plain")
        return
    writer = folder.open_writer("a.txt", "text/plain")
    writer.write(data)
    assert writer.size == len(data)
    writer.close()


@pytest.mark.parametrize("in_pieces", [False, True])
def test_what_is_there_is_replaced(files: RunFiles, in_pieces: bool) -> None:
    for data in (b"first", b"second"):
        write(ResultsFolder(files, "r"), data, in_pieces=in_pieces)
    assert files.read(PATH) == b"second"


@pytest.mark.parametrize("in_pieces", [False, True])
def test_where_it_is_to_be_empty_what_is_there_stays(files: RunFiles, in_pieces: bool) -> None:
    folder = ResultsFolder(files, "r", is_new=True)
    write(folder, b"first", in_pieces=in_pieces)
    with pytest.raises(ResultsExistError, match=PATH):
        write(folder, b"second", in_pieces=in_pieces)
    assert files.read(PATH) == b"first"
