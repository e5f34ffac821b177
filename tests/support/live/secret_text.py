"""What opens the copy that a session runs against: read from the environment, and never printed."""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

STORAGE_VARIABLE = "FANOUT_TEST_STORAGE"
KEY_VARIABLE = "FANOUT_TEST_KEY"
HIDDEN = "(hidden)"
_PARTS = re.compile(r"(?:AccountKey|SharedAccessSignature|SharedAccessKey)=([^;]+)", re.IGNORECASE)


class SecretText(str):
    """A text that shows itself to nobody: pytest shows what a test that failed was given."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{HIDDEN}'"


def find_secrets(environment: Mapping[str, str]) -> list[str]:
    """What must not be printed: the key, the connection string, and what of it is secret."""
    storage = environment.get(STORAGE_VARIABLE, "")
    found = {environment.get(KEY_VARIABLE, ""), storage, *_PARTS.findall(storage)}
    # The longest first, for the others are parts of it.
    return sorted(filter(None, found), key=len, reverse=True)


def hide(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def hide_in_report(report: pytest.TestReport) -> None:
    """Take the secrets of this process out of all that a report of a test would have printed."""
    secrets = find_secrets(os.environ)
    if not secrets:
        return
    report.sections = [(name, hide(text, secrets)) for name, text in report.sections]
    found: Any = report.longrepr
    if isinstance(found, tuple):
        path, line, reason = found
        report.longrepr = (path, line, hide(reason, secrets))
    elif found is not None and (text := str(found)) != (shown := hide(text, secrets)):
        report.longrepr = shown
