"""The inputs of an app's functions beside their triggers, by the type of their bindings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from localhost.execution.contract import FunctionInfo, Invocation


class Input(Protocol):
    """Where the values of one input binding of one function come from."""

    async def read(self, invocation: Invocation) -> Any:
        """Give what the worker gets, None for nothing; whatever this raises fails the call."""

    async def close(self) -> None:
        """Let go of connections."""


# Of each function with inputs: where the value of each comes from, by the binding's name.
InputsOfFunctions = dict[str, dict[str, Input]]
MakeInput = Callable[[FunctionInfo, Mapping[str, Any]], Input]


def make_inputs(
    functions: Sequence[FunctionInfo], environment: Mapping[str, str]
) -> InputsOfFunctions:
    """Make the inputs; nothing is connected before it is used.

    Args:
        functions: Those to run.
        environment: The settings, which name the connections.

    Raises:
        BindingError: One of them can never be read.
    """
    makers = _makers(environment)
    inputs: InputsOfFunctions = {}
    for info in functions:
        for binding in info.bindings:
            make = makers.get(str(binding["type"]))
            if make is not None and binding.get("direction") != "out":
                of_function = inputs.setdefault(info.name, {})
                of_function[str(binding["name"])] = make(info, binding)
    return inputs


def _makers(environment: Mapping[str, str]) -> dict[str, MakeInput]:
    # Few apps read a table, and its library takes a while to import; so of blobs.
    def make_blob(info: FunctionInfo, binding: Mapping[str, Any]) -> Input:
        from localhost.bindings.blobs import BlobInput

        return BlobInput(info, binding, environment)

    def make_table(info: FunctionInfo, binding: Mapping[str, Any]) -> Input:
        from localhost.bindings.tables import TableInput

        return TableInput(info, binding, environment)

    return {"blob": make_blob, "table": make_table}
