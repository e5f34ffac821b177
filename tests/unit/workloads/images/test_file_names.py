"""The folders of photos' files are stored: their format must never change."""

import pytest

from fanout.models.source import BLOB_NAME_MAX_CHARACTERS
from fanout.naming.blob_paths import item_file_name, result_path
from workloads.images.file_names import MAX_FOLDER_CHARACTERS, photo_folder


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("2026/a b.jpg", "2026/a b.jpg"),
        ("a//b", "a/_/b-7a9acf33"),
        ("../x.jpg", "_/x.jpg-2c9a3db3"),
    ],
)
def test_a_folder_has_its_format(name: str, folder: str):
    assert photo_folder(name) == folder


def test_folders_of_photos_stay_where_they_belong() -> None:
    assert photo_folder("2026/a b.jpg") == "2026/a b.jpg"
    for name in ("../../etc/x.jpg", "a//b.jpg", "a\\b.jpg", "./a.jpg", "line\nfeed.jpg"):
        folder = photo_folder(name)
        assert folder != name
        assert all(part.strip(".") for part in folder.split("/"))
        assert "\\" not in folder and folder.isprintable()
    assert photo_folder("a//b") != photo_folder("a/_/b")


def test_a_folder_of_the_longest_name_leaves_room_for_the_run_and_its_files() -> None:
    names = [("x" * 1023) + letter for letter in "ab"]
    folders = {photo_folder(name) for name in names}
    assert len(folders) == 2
    assert all(len(folder) == MAX_FOLDER_CHARACTERS for folder in folders)
    run_id, longest_file = "r" * 100, "16384x16384-q100.avif"
    for folder in folders:
        path = result_path(run_id, str(item_file_name(f"{folder}/{longest_file}")))
        assert len(path) <= BLOB_NAME_MAX_CHARACTERS


def test_the_longest_name_that_fits_stays() -> None:
    name = "y" * MAX_FOLDER_CHARACTERS
    assert photo_folder(name) == name
