"""The outputs of an app's functions, by the type of their bindings."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from localhost.bindings.contract import Output
from localhost.bindings.queue_news import QueueNews
from localhost.bindings.service_bus import ServiceBusOutput
from localhost.execution.contract import FunctionInfo
from localhost.settings import Settings

MakeOutput = Callable[[FunctionInfo, Mapping[str, Any]], Output]
# Of each function with outputs: where the values of each go, by the binding's name.
OutputsOfFunctions = dict[str, dict[str, Output]]


def make_outputs(
    functions: Sequence[FunctionInfo],
    settings: Settings,
    environment: Mapping[str, str],
    news: QueueNews,
) -> OutputsOfFunctions:
    """Make the outputs; nothing is connected before it is used.

    Raises:
        BindingError: One of them cannot be served.
    """
    makers = _makers(settings, environment, news)
    outputs: OutputsOfFunctions = {}
    for info in functions:
        for binding in info.bindings:
            make = makers.get(str(binding["type"]))
            if make is not None and binding.get("direction") == "out":
                outputs.setdefault(info.name, {})[str(binding["name"])] = make(info, binding)
    return outputs


def _makers(
    settings: Settings, environment: Mapping[str, str], news: QueueNews
) -> dict[str, MakeOutput]:
    def make_queue(info: FunctionInfo, binding: Mapping[str, Any]) -> Output:
        # Few apps send to one, and the library takes a while to import.
        from localhost.bindings.queue_settings import QueueSettings
        from localhost.bindings.queues import QueueOutput

        limits = QueueSettings.of_host_json(settings.extension("queues"))
        return QueueOutput(info, binding, environment, limits, news)

    # So of blobs and tables.
    def make_blob(info: FunctionInfo, binding: Mapping[str, Any]) -> Output:
        from localhost.bindings.blobs import BlobOutput

        return BlobOutput(info, binding, environment)

    def make_table(info: FunctionInfo, binding: Mapping[str, Any]) -> Output:
        from localhost.bindings.tables import TableOutput

        return TableOutput(info, binding, environment)

    return {
        "blob": make_blob,
        "table": make_table,
        "serviceBus": partial(ServiceBusOutput, environment=environment),
        "queue": make_queue,
    }
