"""The warmup trigger: called once when the host starts, before anything new triggers a function.

Orchestrations that a former host left go on before it, and their activities with them.
In Azure it is called on each instance that is added, in plans that have it.
Source: ScriptJobHostExtensions of the Functions host; the name of the function decides there, too.
"""

import logging
import uuid
from collections.abc import Sequence

from localhost.execution.contract import Executor, FunctionInfo, Invocation
from localhost.execution.invoke import invoke

logger = logging.getLogger(__name__)

TRIGGER = "warmupTrigger"
NAME = "warmup"


async def warm_up(executor: Executor, functions: Sequence[FunctionInfo]) -> None:
    """Call the warmup function and wait for its end; a failure is logged, and the host goes on."""
    for info in functions:
        if info.trigger_type != TRIGGER:
            continue
        if info.name.lower() != NAME:
            logger.warning(
                "Function '%s' is not called: of functions with a warmupTrigger, Azure calls only "
                "one whose name is '%s'.",
                info.name,
                NAME,
            )
            continue
        result = await invoke(executor, Invocation(str(uuid.uuid4()), info.name, "{}"))
        if result.error is not None:
            logger.error("function %s failed: %s\n%s", info.name, result.error, result.stack or "")
