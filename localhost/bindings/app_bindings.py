"""The inputs and outputs of every function that somebody may call."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from localhost.bindings.contract import BindingError
from localhost.bindings.inputs import InputsOfFunctions, make_inputs
from localhost.bindings.outputs import OutputsOfFunctions, make_outputs
from localhost.bindings.queue_news import QueueNews
from localhost.execution.bindings import AppFunctions
from localhost.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AppBindings:
    """What the functions of an app read and write beside their triggers.

    Attributes:
        functions: The functions, without the disabled ones whose bindings cannot be served.
    """

    functions: AppFunctions
    inputs: InputsOfFunctions = field(default_factory=dict)
    outputs: OutputsOfFunctions = field(default_factory=dict)


def make_bindings(
    functions: AppFunctions, settings: Settings, environment: Mapping[str, str], news: QueueNews
) -> AppBindings:
    """Make them; nothing is connected before it is used.

    Raises:
        BindingError: One of an enabled function cannot be served. A disabled one does not keep the
            others from running: it cannot be called by hand either.
    """
    made = AppBindings(functions)
    enabled = {info.name for info in functions.enabled}
    callable_ = []
    for info in functions.callable:
        try:
            outputs = make_outputs([info], settings, environment, news)
            inputs = make_inputs([info], environment)
        except BindingError as error:
            if info.name in enabled:
                raise
            logger.info("The disabled function %s cannot be called: %s", info.name, error)
            continue
        made.outputs.update(outputs)
        made.inputs.update(inputs)
        callable_.append(info)
    return replace(made, functions=replace(functions, callable=tuple(callable_)))
