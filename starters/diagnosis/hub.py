"""The task hub: what it is called, where it is kept, and whether the durable host answers."""

import re
from collections.abc import Mapping
from typing import Any

from fanout.models.answers import Finding
from starters.diagnosis.findings import Installation, error, good, warning

DURABLE = "extensions/durableTask"
# Source: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-task-hubs
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
_SETTING = re.compile(r"%([^%]+)%")
# An account by identity: one of these beside the name of the connection.
_IDENTITY = ("__accountName", "__blobServiceUri", "__queueServiceUri", "__tableServiceUri")
_SCHEDULER = "azureManaged"


def check_hub(installation: Installation, in_use: str | None) -> list[Finding]:
    """Look at the name of the hub and at its storage.

    Args:
        installation: Has both.
        in_use: The hub that durable clients are given; None where nobody says it.
    """
    if installation.host is None:
        return [
            error(
                "host.json",
                "host.json is not there, or is no JSON.",
                "Deploy the app again; host.json stands beside function_app.py.",
            )
        ]
    return [_check_name(installation, in_use), _check_connection(installation)]


def _check_name(installation: Installation, in_use: str | None) -> Finding:
    check = "hub.name"
    asked = str(installation.find(f"{DURABLE}/hubName", "TestHubName"))
    name = _resolve(asked, installation.environment)
    if name is None:
        return error(
            check,
            f"The hub of host.json is called {asked}, and there is no such setting.",
            f"Set {asked.strip('%')}, or name the hub in host.json.",
        )
    if _NAME.fullmatch(name) is None:
        remedy = "Let hubName have 3 to 45 letters and digits, the first of them a letter."
        return error(check, f"'{name}' is no name of a task hub.", remedy)
    if in_use is not None and in_use.lower() != name.lower():
        return error(
            check,
            f"host.json has the task hub '{name}', and the host uses '{in_use}'.",
            "Start the app again; if that is so still, a setting of the host replaces the name.",
        )
    return good(check, f"task hub '{name}'")


def _resolve(text: str, environment: Mapping[str, str]) -> str | None:
    match = _SETTING.fullmatch(text)
    return text if match is None else environment.get(match[1])


def _check_connection(installation: Installation) -> Finding:
    check = "hub.storage"
    provider: Any = installation.find(f"{DURABLE}/storageProvider", {})
    provider = provider if isinstance(provider, Mapping) else {}
    kind = str(provider.get("type", "AzureStorage"))
    is_scheduler = kind.lower() == _SCHEDULER.lower()
    default = "DURABLE_TASK_SCHEDULER_CONNECTION_STRING" if is_scheduler else "AzureWebJobsStorage"
    name = str(provider.get("connectionName") or provider.get("connectionStringName") or default)
    by_identity = any(installation.environment.get(name + end) for end in _IDENTITY)
    if installation.environment.get(name) or by_identity:
        return good(check, f"the task hub is kept by {kind} ({name})")
    # The embedded host keeps it in a file of its own.
    make = error if installation.is_in_azure else warning
    return make(
        check,
        f"The task hub is to be kept where {name} says, and there is no such setting.",
        f"Set {name}, or {name}__accountName for a connection by identity.",
    )
