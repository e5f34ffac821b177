"""The page for contributors sends nobody to a room that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text()
PATH = re.compile(r"`([a-z_]+(?:/[\w.-]+)*(?:/|\.\w+))`")


def test_every_path_that_the_page_names_exists():
    paths = set(PATH.findall(PAGE))
    assert len(paths) > 40
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_the_first_table_has_ten_changes():
    table = PAGE.partition("## To change X, go to Y")[2].partition("A job that people run")[0]
    rows = re.findall(r"^\| (?!to change|---)", table, re.M)
    assert len(rows) == 10
