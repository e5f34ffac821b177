"""`.funcignore` is read as git reads `.gitignore`."""

import subprocess
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path

import pytest

from infra.scripts.ignore_rules import Rule, is_ignored, parse_rules


@pytest.mark.parametrize(
    ("text", "path", "is_folder", "ignored"),
    [
        ("docs", "docs", True, True),
        ("docs", "fanout/docs", True, True),
        ("docs/", "docs", True, True),
        ("docs/", "docs", False, False),
        ("/docs", "docs", True, True),
        ("/docs", "fanout/docs", True, False),
        ("*_env", "app_env", True, True),
        ("**/__pycache__", "fanout/__pycache__", True, True),
        ("requirements-*.txt", "requirements-dev.txt", False, True),
        ("requirements-*.txt", "requirements.txt", False, False),
        ("*.txt\n!requirements.txt", "requirements.txt", False, False),
        ("!requirements.txt\n*.txt", "requirements.txt", False, True),
        ("# docs\n\n", "docs", True, False),
        ("docs/pictures", "docs", True, False),
        ("docs/pictures", "docs/pictures", True, True),
        ("docs/pictures", "fanout/docs/pictures", True, False),
        ("docs/**/old", "docs/a/b/old", True, True),
        ("docs/**/old", "docs/old", True, True),
        ("docs/**", "docs/a", False, True),
        ("docs/**", "docs", True, False),
        ("docs\n!docs/pictures", "docs", True, True),
        ("/*\n!/fanout/\n!/fanout/**", "docs", True, True),
        ("/*\n!/fanout/\n!/fanout/**", ".env", False, True),
        ("/*\n!/fanout/\n!/fanout/**", "fanout", True, False),
        ("/*\n!/fanout/\n!/fanout/**", "fanout/rules.py", False, False),
        ("/*\n!/fanout/\n!/fanout/**\n*.env", "fanout/a.env", False, True),
        ("*\n!/fanout/\n!/fanout/**/", "fanout/store", True, False),
        ("*\n!/fanout/\n!/fanout/**/", "fanout/store/key.pem", False, True),
        ("*\n!/fanout/**/\n!/fanout/**/*.py", "fanout/rules.py", False, False),
        ("*\n!/fanout/**/\n!/fanout/**/*.py", "fanout/store/rules.py", False, False),
    ],
)
def test_the_last_rule_about_a_name_holds(text: str, path: str, is_folder: bool, ignored: bool):
    assert is_ignored(parse_rules(text), Path(path), is_folder) is ignored


NAMES = ("ab", ".env", "c.txt")
PATTERNS = (
    "a",
    "/a",
    "a/",
    "*b",
    "/*",
    "!/b/",
    "!b/**",
    "**/a",
    "a/b",
    "a/**/b",
    "!.env",
    "*.txt",
    "*",
    "!/a/**/",
    "!/a/**/*.txt",
)


def test_git_agrees(tmp_path: Path):
    """Any two of the patterns, over folders three deep."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    for depth in range(3):
        for folder in product("ab", repeat=depth):
            (tmp_path / Path(*folder)).mkdir(exist_ok=True)
            for name in NAMES:
                (tmp_path / Path(*folder) / name).write_text("")
    for text in ("\n".join(pair) for pair in permutations(PATTERNS, 2)):
        (tmp_path / ".gitignore").write_text(text)
        listed = subprocess.run(
            ["git", "ls-files", "--others", "--exclude-standard"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        ours = sorted(walk(tmp_path, tmp_path, parse_rules(text)))
        assert ours == sorted(listed.stdout.split()), text


def walk(folder: Path, root: Path, rules: list[Rule]) -> Iterator[str]:
    for path in folder.iterdir():
        if path.name == ".git" or is_ignored(rules, path.relative_to(root), path.is_dir()):
            continue
        if path.is_dir():
            yield from walk(path, root, rules)
        else:
            yield path.relative_to(root).as_posix()
