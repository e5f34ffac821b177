"""The durable functions of an app, found by the names orchestrations and clients use."""

from collections.abc import Iterable

from localhost.execution.contract import FunctionInfo


class DurableFunctions:
    """Activities, orchestrators and entities by name; case does not matter, as in the extension."""

    def __init__(self, functions: Iterable[FunctionInfo]) -> None:
        self._by_kind: dict[str, dict[str, FunctionInfo]] = {
            "activityTrigger": {},
            "orchestrationTrigger": {},
            "entityTrigger": {},
        }
        for function in functions:
            functions_of_kind = self._by_kind.get(function.trigger_type)
            if functions_of_kind is not None:
                functions_of_kind[function.durable_name.lower()] = function

    def activity(self, name: str) -> FunctionInfo | None:
        return self._by_kind["activityTrigger"].get(name.lower())

    def orchestrator(self, name: str) -> FunctionInfo | None:
        return self._by_kind["orchestrationTrigger"].get(name.lower())

    def entity(self, name: str) -> FunctionInfo | None:
        return self._by_kind["entityTrigger"].get(name.lower())

    def unknown_activity(self, name: str) -> str:
        return self._unknown(name, "activity", "an activity", "activityTrigger")

    def unknown_orchestrator(self, name: str) -> str:
        return self._unknown(name, "orchestrator", "an orchestrator", "orchestrationTrigger")

    def unknown_entity(self, name: str) -> str:
        return self._unknown(name, "entity", "an entity", "entityTrigger")

    def _unknown(self, name: str, kind: str, article: str, trigger: str) -> str:
        names = sorted(function.durable_name for function in self._by_kind[trigger].values())
        quoted = ", ".join(f"'{known}'" for known in names)
        listing = (
            f"The following are the known {kind} functions: {quoted}."
            if names
            else f"No {kind} functions are currently registered!"
        )
        return (
            f"The function '{name}' doesn't exist, is disabled, or is not {article} function. "
            f"Additional info: {listing}"
        )
