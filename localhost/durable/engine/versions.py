"""Which versions of an orchestration this host may run (DTFX `VersioningSettings`)."""

import re

from localhost.durable.host_json import DurableSettings

# More digits than .NET's Version reads are no version to it, but text.
_DOTTED = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){1,3}")


def mismatch(version: str | None, settings: DurableSettings) -> str | None:
    """Say why an instance of this version may not run here; None if it may."""
    host_version = settings.default_version or ""
    strategy = settings.version_match_strategy
    if strategy == "None":
        return None
    version = version or ""
    order = _compare(version, host_version)
    if order == 0 or (strategy == "CurrentOrOlder" and order < 0):
        return None
    return (
        f"VersionMismatch: the orchestration's version '{version}' does not match the host's "
        f"version '{host_version}' by the strategy {strategy}"
    )


def _compare(first: str, second: str) -> int:
    if _DOTTED.fullmatch(first) and _DOTTED.fullmatch(second):
        # .NET's Version holds -1 for a part that is left out.
        left, right = (_parts(text) for text in (first, second))
        return (left > right) - (left < right)
    left_text, right_text = first.lower(), second.lower()
    return (left_text > right_text) - (left_text < right_text)


def _parts(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    return numbers + [-1] * (4 - len(numbers))
