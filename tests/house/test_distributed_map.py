"""The page that sets us beside Distributed Map names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "distributed-map.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)`")


def test_every_test_that_the_page_names_exists_and_tests_something():
    named = set(NAMED.findall(PAGE))
    assert len(named) > 30
    for path in sorted(named):
        assert (ROOT / path).is_file(), f"there is no {path}"
        assert re.search(r"^(async )?def test_", (ROOT / path).read_text(), re.M), path


def test_every_row_has_as_many_cells_as_its_table():
    width = 0
    for line in PAGE.splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = line.count("|") - 1
        width = width or cells
        assert cells == width, line
