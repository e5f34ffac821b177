"""Which bindings this host serves, and what their properties mean with the app's settings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from localhost.execution.contract import AppLoadError, FunctionInfo
from localhost.limits import allowed_functions
from localhost.settings import Settings

SERVED_TYPES = frozenset(
    {
        "httpTrigger",
        "http",
        "activityTrigger",
        "orchestrationTrigger",
        "entityTrigger",
        "durableClient",
        "timerTrigger",
        "blobTrigger",
        "serviceBusTrigger",
        "serviceBus",
        "queueTrigger",
        "queue",
    }
)
RESERVED_ROUTES = ("admin", "runtime")


@dataclass(frozen=True)
class AppFunctions:
    """The functions of an app: those to run, and those that the settings switch off."""

    enabled: tuple[FunctionInfo, ...]
    disabled: tuple[FunctionInfo, ...]

    @property
    def all(self) -> tuple[FunctionInfo, ...]:
        """Every function."""
        return (*self.enabled, *self.disabled)

    def of_type(self, trigger_type: str) -> list[FunctionInfo]:
        """The enabled functions of one trigger type."""
        return [info for info in self.enabled if info.trigger_type == trigger_type]


def examine(functions: Sequence[FunctionInfo], settings: Settings) -> AppFunctions:
    """Resolve the settings that bindings name, and refuse what is not served.

    Raises:
        AppLoadError: Every problem found, one a line.
    """
    problems: list[str] = []
    enabled, disabled = [], []
    allowed = allowed_functions(settings.host_json)
    for info in functions:
        if allowed is not None and info.name.lower() not in allowed:
            continue
        if settings.is_disabled(info.name):
            disabled.append(info)
            continue
        problems += _binding_problems(info)
        try:
            enabled.append(_resolve_settings(info, settings))
        except KeyError as error:
            problems.append(
                f"Function '{info.name}': %{error.args[0]}% in its bindings names no setting. Add "
                f"it to the Values of local.settings.json or to the environment."
            )
            continue
        problems += _route_problems(enabled[-1], settings)
    if problems:
        raise AppLoadError("\n".join(problems))
    return AppFunctions(tuple(enabled), tuple(disabled))


def full_route(info: FunctionInfo, prefix: str) -> str:
    """The whole route of an HTTP function, as written."""
    route = str(info.trigger.get("route") or info.name).strip("/")
    return f"{prefix}/{route}" if prefix else route


def _binding_problems(info: FunctionInfo) -> list[str]:
    return [
        f"Function '{info.name}': this host does not serve the binding '{binding['name']}' of type "
        f"{binding['type']}. To use it, run it with Core Tools (func start); to start without it, "
        f"set AzureWebJobs.{info.name}.Disabled=true."
        for binding in info.bindings
        if binding["type"] not in SERVED_TYPES
    ]


def _route_problems(info: FunctionInfo, settings: Settings) -> list[str]:
    if info.trigger_type != "httpTrigger":
        return []
    route = full_route(info, settings.route_prefix)
    if route.split("/")[0].lower() not in RESERVED_ROUTES:
        return []
    return [
        f"Function '{info.name}': its route '{route}' conflicts with the host's own "
        f"{' and '.join(f'/{name}' for name in RESERVED_ROUTES)} routes."
    ]


def _resolve_settings(info: FunctionInfo, settings: Settings) -> FunctionInfo:
    def resolve(value: Any) -> Any:
        return settings.resolve(value) if isinstance(value, str) else value

    bindings = [{key: resolve(value) for key, value in b.items()} for b in info.bindings]
    trigger = bindings[info.bindings.index(info.trigger)]
    return replace(info, trigger=trigger, bindings=bindings)
