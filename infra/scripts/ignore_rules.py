"""Which files `.funcignore` keeps at home, by the rules of `.gitignore`.

azd packs what they let in, and does not read them: its versions differ in how they do.
"""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ANY_FOLDERS = "**"


@dataclass(frozen=True)
class Rule:
    """A line of the file.

    Attributes:
        parts: Patterns of the names on the way from the top; `**` stands for any number of them.
        is_kept: Whether it takes back what a line before it said.
        only_folders: Whether files of the name are something else.
    """

    parts: tuple[str, ...]
    is_kept: bool
    only_folders: bool

    def matches(self, path: Path, is_folder: bool) -> bool:
        """Tell whether it is about a file or folder, given from the top."""
        return (is_folder or not self.only_folders) and _match(self.parts, path.parts)


def parse_rules(text: str) -> list[Rule]:
    """Read the lines that say something."""
    return list(_parse_lines(text))


def is_ignored(rules: Sequence[Rule], path: Path, is_folder: bool) -> bool:
    """Tell whether the last rule that is about it keeps it at home.

    What a folder has is not asked for where the folder itself stays.
    """
    about = [rule for rule in rules if rule.matches(path, is_folder)]
    return bool(about) and not about[-1].is_kept


def _parse_lines(text: str) -> Iterator[Rule]:
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        path = line.removeprefix("!")
        parts = tuple(path.strip("/").split("/"))
        # A name alone is meant wherever it is.
        is_anywhere = len(parts) == 1 and not path.startswith("/")
        yield Rule(
            (ANY_FOLDERS, *parts) if is_anywhere else parts,
            is_kept=line.startswith("!"),
            only_folders=path.endswith("/"),
        )


def _match(patterns: tuple[str, ...], names: tuple[str, ...]) -> bool:
    if not patterns or not names:
        return not patterns and not names
    first, *rest = patterns
    if first == ANY_FOLDERS:
        # At the end it is about what a folder has, and not about the folder.
        return not rest or any(_match(tuple(rest), names[skip:]) for skip in range(len(names)))
    return fnmatch.fnmatchcase(names[0], first) and _match(tuple(rest), names[1:])
