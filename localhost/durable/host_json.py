"""The durable part of host.json (`extensions.durableTask`), with the extension's own defaults."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
_MATCH_STRATEGIES = ("None", "Strict", "CurrentOrOlder")
_FAILURE_STRATEGIES = ("Reject", "Fail")
_OVERRIDABLE = ("NonRunningStates", "AnyState")


class DurableSettingsError(ValueError):
    """A durable setting of host.json is not one the extension accepts."""


def _default_concurrency() -> int:
    return 10 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class DurableSettings:
    """What the engine may be told.

    Attributes:
        overridable_existing_instance_states: ``NonRunningStates`` or ``AnyState``: which existing
            instances a start with the same id replaces.
        replay_schema: The newest replay protocol offered to the SDK, 1 to 3.
        http_poll_seconds: How long `call_http` waits between polls where the answer does not say.
    """

    hub_name: str = "TestHubName"
    max_concurrent_activities: int = field(default_factory=_default_concurrency)
    max_concurrent_orchestrators: int = field(default_factory=_default_concurrency)
    max_concurrent_entities: int = field(default_factory=_default_concurrency)
    max_entity_operation_batch_size: int = 5_000
    max_orchestration_actions: int = 100_000
    overridable_existing_instance_states: str = "NonRunningStates"
    default_version: str | None = None
    version_match_strategy: str = "CurrentOrOlder"
    version_failure_strategy: str = "Reject"
    replay_schema: int = 3
    http_poll_seconds: float = 30.0

    @property
    def context_json(self) -> str:
        """What each orchestrator is told of the host: members of a JSON object.

        Timers longer than Azure Storage can hold are split by the SDK.
        """
        members = {
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": round(self.http_poll_seconds * 1_000),
            "sourceInstanceId": None,
        }
        return json.dumps(members)[1:-1]

    @classmethod
    def from_host_json(cls, section: Mapping[str, Any]) -> "DurableSettings":
        """Read the section; keys that concern other storage providers are ignored.

        Raises:
            DurableSettingsError: A value is not one the extension accepts.
        """
        defaults = cls()
        http = section.get("httpSettings") or {}
        poll_ms = _positive(http, "defaultAsyncRequestSleepTimeMilliseconds", 30_000)
        return cls(
            hub_name=_hub_name(section.get("hubName", defaults.hub_name)),
            max_concurrent_activities=_positive(
                section, "maxConcurrentActivityFunctions", defaults.max_concurrent_activities
            ),
            max_concurrent_orchestrators=_positive(
                section, "maxConcurrentOrchestratorFunctions", defaults.max_concurrent_orchestrators
            ),
            max_concurrent_entities=_positive(
                section, "maxConcurrentEntityFunctions", defaults.max_concurrent_entities
            ),
            max_entity_operation_batch_size=_positive(
                section, "maxEntityOperationBatchSize", 5_000
            ),
            max_orchestration_actions=_positive(section, "maxOrchestrationActions", 100_000),
            overridable_existing_instance_states=_one_of(
                section, "overridableExistingInstanceStates", _OVERRIDABLE
            ),
            default_version=section.get("defaultVersion") or None,
            version_match_strategy=_one_of(
                section, "versionMatchStrategy", _MATCH_STRATEGIES, "CurrentOrOlder"
            ),
            version_failure_strategy=_one_of(
                section, "versionFailureStrategy", _FAILURE_STRATEGIES
            ),
            replay_schema=_replay_schema(section),
            http_poll_seconds=poll_ms / 1_000,
        )


def _positive(section: Mapping[str, Any], key: str, default: int) -> int:
    value = section.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise DurableSettingsError(
            f"durableTask.{key} must be a whole number over 0, not {value!r}"
        )
    return value


def _one_of(
    section: Mapping[str, Any], key: str, allowed: tuple[str, ...], default: str | None = None
) -> str:
    value = section.get(key, default or allowed[0])
    for name in allowed:
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    raise DurableSettingsError(f"durableTask.{key} must be one of {', '.join(allowed)}: {value!r}")


def _hub_name(value: Any) -> str:
    if not isinstance(value, str) or not _HUB_NAME.fullmatch(value):
        raise DurableSettingsError(
            "durableTask.hubName must begin with a letter and have 3 to 45 letters and digits: "
            f"{value!r}"
        )
    return value


def _replay_schema(section: Mapping[str, Any]) -> int:
    value = _positive(section, "replaySchemaVersion", 3)
    if value > 3:
        raise DurableSettingsError(f"durableTask.replaySchemaVersion must be 1, 2 or 3: {value}")
    return value
