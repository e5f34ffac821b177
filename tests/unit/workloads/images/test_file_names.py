"""The folders of photos' files are stored: their format must never change."""

import pytest

from workloads.images.file_names import photo_folder


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
