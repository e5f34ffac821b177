"""Registering functions: the app, its blueprints, orchestrators, and who gets the client."""

from collections.abc import Callable, Generator
from typing import Any

from fanout.durable.sdk import IS_2, App, Blueprint

if IS_2:
    from fanout.durable.sdk2 import orchestration as api
else:
    from fanout.durable.sdk1 import orchestration as api  # type: ignore[no-redef]

__all__ = ["App", "Blueprint", "Orchestrator", "client_input", "orchestrator"]

CLIENT = "client"
Orchestrator = Callable[[Any, Any], Generator[Any, Any, Any]]


def orchestrator(blueprint: Blueprint, name: str) -> Callable[[Orchestrator], Any]:
    """Register an orchestrator, which takes its context and what it was started with."""

    def register(function: Orchestrator) -> Any:
        trigger = blueprint.orchestration_trigger(context_name="context", orchestration=name)
        return trigger(api.adapt(function))

    return register


def client_input(blueprint: Blueprint) -> Callable[[Callable[..., Any]], Any]:
    """Give the durable client to a function, which is async, as its argument `client`."""
    decorate: Callable[[Callable[..., Any]], Any]
    decorate = blueprint.durable_client_input(client_name=CLIENT)
    return decorate
