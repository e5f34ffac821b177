"""Modules, functions and folders stay small: one idea each."""

import ast
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {
    "fanout",
    "localhost",
    "starters",
    "orchestrators",
    "activities",
    "workloads",
    "dashboard",
    "cli",
    "demo",
    "rig",
    "samples",
    "infra",
}
MAX_MODULES = 20
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_MEDIAN, MAX_NINTH_DECILE = 6, 20
MAX_HAND_LAYOUTS = 9
HAND_LAYOUT = "# fmt: " + "skip"


def modules() -> list[Path]:
    """Every Python file of the repository, also those that are not committed yet."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def modules_of_rooms() -> list[Path]:
    return [path for path in modules() if path.relative_to(ROOT).parts[0] in ROOMS]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions() -> Iterator[tuple[str, int]]:
    """Each function of the rooms, and its lines: signature, docstring and body."""
    for path in modules_of_rooms():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                yield f"{named(path)}:{node.lineno} {node.name}", lines


def test_no_folder_has_more_than_20_modules_side_by_side():
    sizes = Counter(named(path.parent) for path in modules() if path.name != "__init__.py")
    assert {folder: size for folder, size in sizes.items() if size > MAX_MODULES} == {}


def test_no_module_is_longer_than_400_lines():
    sizes = {named(path): len(path.read_text().splitlines()) for path in modules_of_rooms()}
    assert {name: size for name, size in sizes.items() if size > MAX_MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen():
    sizes = dict(functions())
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}


def test_most_functions_are_a_few_lines():
    sizes = [lines for _, lines in functions()]
    assert statistics.median(sizes) <= MAX_MEDIAN
    assert statistics.quantiles(sizes, n=10)[-1] <= MAX_NINTH_DECILE


def test_hardly_any_code_is_laid_out_by_hand():
    counts = {named(path): path.read_text().count(HAND_LAYOUT) for path in modules()}
    by_hand = {name: count for name, count in counts.items() if count}
    if sum(by_hand.values()) > MAX_HAND_LAYOUTS:
        pytest.fail(f"more than {MAX_HAND_LAYOUTS} times: {by_hand}")
