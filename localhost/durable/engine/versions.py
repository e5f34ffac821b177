"""Which versions of an orchestration this host may run (DTFX `VersioningSettings`)."""

import re

from localhost.durable.host_json import DurableSettings

_DOTTED = re.compile(r"\d+(\.\d+){1,3}")


def mismatch(version: str | None, settings: DurableSettings) -> str | None:
    """Say why an instance of this version may not run here; None if it may."""
    ours = settings.default_version or ""
    strategy = settings.version_match_strategy
    if strategy == "None":
        return None
    theirs = version or ""
    order = _compare(theirs, ours)
    if order == 0 or (strategy == "CurrentOrOlder" and order < 0):
        return None
    return (
        f"VersionMismatch: the orchestration's version '{theirs}' does not match the host's "
        f"version '{ours}' by the strategy {strategy}"
    )


def _compare(one: str, other: str) -> int:
    if _DOTTED.fullmatch(one) and _DOTTED.fullmatch(other):
        # .NET's Version holds -1 for a part that is left out.
        left, right = (_parts(text) for text in (one, other))
        return (left > right) - (left < right)
    left_text, right_text = one.lower(), other.lower()
    return (left_text > right_text) - (left_text < right_text)


def _parts(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    return numbers + [-1] * (4 - len(numbers))
