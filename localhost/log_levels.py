"""The levels of host.json's `logging.logLevel`: how much of each category of log lines is shown.

A rule holds for the categories that begin with its name, of several the longest; `default` is the
one without a name. One `*` in a name stands for anything.

Source: LoggerRuleSelector and LoggerFilterConfigureOptions of Microsoft.Extensions.Logging;
LogCategories of the WebJobs SDK.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What functions print, and what they log through `logging`.
CONSOLE = "Host.Function.Console"
FUNCTIONS = "Function"
_ALL = 0
_LEVELS = {
    "trace": _ALL,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 50,
}
_NUMBERS = {str(number): level for number, level in enumerate(_LEVELS.values())}


@dataclass(frozen=True)
class LogLevels:
    """The rules of an app.

    Attributes:
        default: The least level that is shown of a category without a rule.
        rules: Of each rule what a category begins with, what it ends with, and the least level.
    """

    default: int = logging.INFO
    rules: tuple[tuple[str, str, int], ...] = ()

    @classmethod
    def from_host_json(cls, host_json: Mapping[str, Any]) -> "LogLevels":
        """Read the section of a host.json.

        Raises:
            ValueError: It names a level that there is not.
        """
        section = host_json.get("logging")
        levels = section.get("logLevel") if isinstance(section, dict) else None
        default, rules = logging.INFO, []
        for category, word in levels.items() if isinstance(levels, dict) else ():
            if (level := _level(category, word)) is None:
                continue
            if category.lower() == "default":
                default = level
                continue
            start, _, end = category.lower().partition("*")
            rules.append((start, end, level))
        # The last of those that fit is the longest.
        rules.sort(key=lambda rule: len(rule[0]) + len(rule[1]))
        return cls(default, tuple(rules))

    def of_category(self, category: str) -> int:
        """The least level that is shown of a category."""
        name = category.lower()
        found = self.default
        for start, end, level in self.rules:
            if name.startswith(start) and name.endswith(end):
                found = level
        return found

    def of_function(self, name: str) -> int:
        """The least level that is shown of what a function logs."""
        return self.of_category(f"{FUNCTIONS}.{name}.User")


def _level(category: str, word: object) -> int | None:
    if isinstance(word, dict | list) or word in ("", None):
        return None
    text = str(word).lower()
    level = _LEVELS.get(text, _NUMBERS.get(text))
    if level is None:
        raise ValueError(f"'{category}' has the level '{word}', which is none of {_words()}")
    return level


def _words() -> str:
    return ", ".join(word.capitalize() for word in _LEVELS)
