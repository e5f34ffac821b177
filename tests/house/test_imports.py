"""No test module imports another: what tests share is in `tests/support`."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def imported_modules(path: Path) -> Iterator[str]:
    """Every module that a file imports, and every name that may be one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def is_for_pytest_only(module: str) -> bool:
    """Whether a part of a module's name is that of a test module or of a conftest."""
    parts = module.split(".")
    in_tests = parts[0] in ("tests", "")
    return in_tests and any(part == "conftest" or part.startswith("test_") for part in parts)


def test_no_module_imports_a_test_module_or_a_conftest():
    culprits = {
        str(path.relative_to(TESTS)): module
        for path in TESTS.rglob("*.py")
        for module in imported_modules(path)
        if is_for_pytest_only(module)
    }
    assert culprits == {}


def test_one_module_of_the_command_line_alone_makes_markup_of_text():
    users = [
        path.name
        for path in sorted((TESTS.parent / "cli").rglob("*.py"))
        if "rich.markup" in path.read_text() or "Console(" in path.read_text()
    ]
    assert users == ["consoles.py"]
