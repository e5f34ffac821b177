"""Every link of every page leads to a file that is there, and to a heading that it has."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def anchors(page: Path) -> set[str]:
    """The names that headings can be led to by, as Git hosts make them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.M)
    plain = (
        re.sub(r"[`*]|\[([^\]]+)\]\([^)]+\)", r"\1", text).strip().lower() for text in headings
    )
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in plain}


@pytest.mark.parametrize("page", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path):
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{target}: there is no such file"
        assert to.is_relative_to(ROOT), target
        if anchor and to.suffix == ".md":
            assert anchor in anchors(to), f"{target}: there is no such heading"


def test_every_page_of_the_documentation_can_be_reached_from_its_index():
    docs, seen = ROOT / "docs", set()
    waiting = [docs / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        for target in LINK.findall(page.read_text()):
            to = (page.parent / target.partition("#")[0]).resolve()
            if to.suffix == ".md" and to.is_relative_to(docs):
                waiting.append(to)
    assert {p for p in pages() if p.is_relative_to(docs)} <= seen
