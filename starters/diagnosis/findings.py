"""Findings, and what they are made from: the files and settings of an installation."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fanout.models.answers import Finding

HOST_FILE = "host.json"
# Where the host says that the app is.
SCRIPT_ROOT = "AzureWebJobsScriptRoot"
# An app setting that replaces a value of host.json, its path with double underscores.
# Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
OVERRIDE = "AzureFunctionsJobHost__"
Level = Literal["ok", "warning", "error"]
_WORST: tuple[Level, ...] = ("error", "warning")


@dataclass(frozen=True)
class Installation:
    """The files and settings of an app.

    Attributes:
        host: `host.json`, with what app settings replace in it; None where it cannot be read.
        environment: Its settings.
        pins: The versions that `requirements.txt` has of each library.
        memory_bytes: Of the machine; 0 where nobody knows.
    """

    host: Mapping[str, Any] | None
    environment: Mapping[str, str]
    pins: Mapping[str, frozenset[str]]
    memory_bytes: int = 0

    @property
    def is_in_azure(self) -> bool:
        """Whether App Service or Flex Consumption runs it."""
        # Flex Consumption gives no WEBSITE_INSTANCE_ID, which the plans of App Service give.
        # Source: EnvironmentExtensions.cs of the Functions host.
        has = self.environment.get
        return bool(
            has("WEBSITE_INSTANCE_ID")
            or has("WEBSITE_POD_NAME")
            or (has("CONTAINER_NAME") and has("LEGION_SERVICE_HOST"))
            or has("WEBSITE_SKU", "").lower() == "flexconsumption"
        )

    def find(self, path: str, default: Any = None) -> Any:
        """A value of `host.json` by its path, ``extensions/durableTask/hubName``."""
        found: Any = self.host
        for name in path.split("/"):
            if not isinstance(found, Mapping) or name not in found:
                return default
            found = found[name]
        return found


def good(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check=check, level="ok", message=message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """It may become wrong."""
    return Finding(check=check, level="warning", message=message, remedy=remedy)


def error(check: str, message: str, remedy: str) -> Finding:
    """It is wrong."""
    return Finding(check=check, level="error", message=message, remedy=remedy)


def find_worst(findings: Iterable[Finding]) -> Level:
    """The worst level of all."""
    levels = {finding.level for finding in findings}
    worst = [level for level in _WORST if level in levels]
    return worst[0] if worst else "ok"


def read_installation(
    folders: Iterable[Path], environment: Mapping[str, str], memory_bytes: int
) -> Installation:
    """Read the files of an app: in the first of these folders that has a `host.json`."""
    for folder in folders:
        if (folder / HOST_FILE).is_file():
            return Installation(
                _read_host(folder / HOST_FILE, environment),
                environment,
                _read_pins(folder / "requirements.txt"),
                memory_bytes,
            )
    return Installation(None, environment, {}, memory_bytes)


def _read_host(path: Path, environment: Mapping[str, str]) -> Mapping[str, Any] | None:
    try:
        host = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    if not isinstance(host, dict):
        return None
    for name, text in environment.items():
        if name.startswith(OVERRIDE):
            _replace(host, name.removeprefix(OVERRIDE).split("__"), text)
    return host


def _replace(host: dict[str, Any], path: list[str], text: str) -> None:
    *parents, last = path
    for parent in parents:
        inner = host.setdefault(parent, {})
        if not isinstance(inner, dict):
            return
        host = inner
    host[last] = _parse_value(text)


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_pins(path: Path) -> dict[str, frozenset[str]]:
    """The versions of each library; a line may have a marker, so there may be several of one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pins: dict[str, frozenset[str]] = {}
    for line in lines:
        name, equals, rest = line.partition("==")
        if equals and not line.startswith(("#", "-")):
            version = rest.partition(";")[0].strip()
            key = name.partition("[")[0].strip().lower()
            pins[key] = pins.get(key, frozenset()) | {version}
    return pins
