"""Which bindings this host serves, and what their properties mean with the app's settings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from localhost.execution.contract import AppLoadError, FunctionInfo
from localhost.execution.names import name_problems
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
        "blob",
        "table",
        "eventGridTrigger",
        "warmupTrigger",
        "serviceBusTrigger",
        "serviceBus",
        "queueTrigger",
        "queue",
    }
)
QUEUE_TYPES = ("queueTrigger", "queue")
RESERVED_ROUTES = ("admin", "runtime")
CALLED_BY_HAND = ("httpTrigger", "timerTrigger")


@dataclass(frozen=True)
class AppFunctions:
    """The functions of an app: those to run, and those that the settings switch off.

    Attributes:
        callable: Those that somebody may call, in the order of the app: the enabled ones, and the
            disabled HTTP and timer functions, which nothing triggers but an admin may call.
        skipped: What this host does not serve and so leaves out, a sentence for each function.
    """

    enabled: tuple[FunctionInfo, ...]
    disabled: tuple[FunctionInfo, ...]
    callable: tuple[FunctionInfo, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[FunctionInfo, ...]:
        """Every function."""
        return (*self.enabled, *self.disabled)

    def of_type(self, trigger_type: str) -> list[FunctionInfo]:
        """The enabled functions of one trigger type."""
        return [info for info in self.enabled if info.trigger_type == trigger_type]


def examine(
    functions: Sequence[FunctionInfo], settings: Settings, *, skips_unserved: bool = False
) -> AppFunctions:
    """Resolve the settings that bindings name, and refuse what is not served.

    Args:
        functions: Those that the app has.
        settings: The app's.
        skips_unserved: Whether a function with what is not served is left out.

    Raises:
        AppLoadError: Every problem found, one a line.
    """
    problems: list[str] = []
    enabled, disabled, callable_, skipped = [], [], [], []
    allowed = allowed_functions(settings.host_json)
    for info in functions:
        if allowed is not None and info.name.lower() not in allowed:
            continue
        if settings.is_disabled(info.name):
            disabled.append(info)
            callable_ += _callable_though_disabled(info, settings)
            continue
        if skips_unserved and (obstacles := _obstacles(info)):
            skipped.append(f"Function {info.name} is left out: {'; '.join(obstacles)}.")
            continue
        problems += name_problems(info)
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
        callable_.append(enabled[-1])
    if problems:
        raise AppLoadError("\n".join(problems))
    return AppFunctions(tuple(enabled), tuple(disabled), tuple(callable_), tuple(skipped))


def _callable_though_disabled(info: FunctionInfo, settings: Settings) -> list[FunctionInfo]:
    if info.trigger_type not in CALLED_BY_HAND or _obstacles(info):
        return []
    try:
        resolved = _resolve_settings(info, settings)
    except KeyError:
        return []
    return [] if _route_problems(resolved, settings) else [resolved]


def full_route(info: FunctionInfo, prefix: str) -> str:
    """The whole route of an HTTP function, as written."""
    route = str(info.trigger.get("route") or info.name).strip("/")
    return f"{prefix}/{route}" if prefix else route


def _obstacles(info: FunctionInfo) -> list[str]:
    """What of a function this host does not serve."""
    obstacles = [
        f"this host does not serve the binding '{binding['name']}' of type {binding['type']}"
        for binding in info.bindings
        if binding["type"] not in SERVED_TYPES
    ]
    obstacles += [
        f"its binding '{binding['name']}' names the queue '{binding['queueName']}' by an "
        "expression, which this host does not resolve"
        for binding in info.bindings
        if binding["type"] in QUEUE_TYPES and "{" in str(binding.get("queueName"))
    ]
    return obstacles or ([info.obstacle] if info.obstacle else [])


def _binding_problems(info: FunctionInfo) -> list[str]:
    return [
        f"Function '{info.name}': {obstacle}. To use it, run it with Core Tools (func start); to "
        f"start without it, set AzureWebJobs.{info.name}.Disabled=true, or start with "
        "--skip-unserved, which leaves out all such functions."
        for obstacle in _obstacles(info)
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
