"""The outputs of an app's functions, by the type of their bindings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localhost.bindings.contract import Output
from localhost.execution.contract import FunctionInfo

MakeOutput = Callable[[FunctionInfo, Mapping[str, Any]], Output]
# Of each function with outputs: where the values of each go, by the binding's name.
OutputsOfFunctions = dict[str, dict[str, Output]]


def make_outputs(
    functions: Sequence[FunctionInfo], environment: Mapping[str, str]
) -> OutputsOfFunctions:
    """Make the outputs; nothing is connected before it is used.

    Raises:
        BindingError: One of them cannot be served.
    """
    makers = _makers(environment)
    outputs: OutputsOfFunctions = {}
    for info in functions:
        for binding in info.bindings:
            make = makers.get(str(binding["type"]))
            if make is not None and binding.get("direction") == "out":
                outputs.setdefault(info.name, {})[str(binding["name"])] = make(info, binding)
    return outputs


def _makers(environment: Mapping[str, str]) -> dict[str, MakeOutput]:
    # Few apps write to a table, and its library takes a while to import; so of blobs.
    def make_blob(info: FunctionInfo, binding: Mapping[str, Any]) -> Output:
        from localhost.bindings.blobs import BlobOutput

        return BlobOutput(info, binding, environment)

    def make_table(info: FunctionInfo, binding: Mapping[str, Any]) -> Output:
        from localhost.bindings.tables import TableOutput

        return TableOutput(info, binding, environment)

    return {"blob": make_blob, "table": make_table}
