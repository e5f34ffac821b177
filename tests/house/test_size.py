"""Modules stay small: one idea each (style: none over 400 lines)."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = (
    "fanout", "localhost", "starters", "orchestrators", "activities", "workloads",
    "dashboard",
)  # fmt: skip
MAX_LINES = 400


def test_no_module_is_longer_than_400_lines():
    long = {
        str(path.relative_to(ROOT)): lines
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}
