"""The `context` a function may ask for: its invocation's id, trace and retries."""

from pathlib import Path
from typing import Any

from localhost.execution.contract import Invocation, Retry
from localhost.logs import THREAD_LOCAL


class InvocationContext:
    """What `azure.functions.Context` promises.

    Args:
        invocation: The call.
        directory: The folder of the file that the function is written in.
    """

    def __init__(self, invocation: Invocation, directory: Path) -> None:
        self._invocation = invocation
        self._directory = directory

    @property
    def invocation_id(self) -> str:
        return self._invocation.id

    @property
    def function_name(self) -> str:
        return self._invocation.function

    @property
    def function_directory(self) -> str:
        return str(self._directory)

    @property
    def thread_local_storage(self) -> Any:
        return THREAD_LOCAL

    @property
    def trace_context(self) -> "TraceContext":
        return TraceContext(self._invocation.trace_parent or "")

    @property
    def retry_context(self) -> "RetryContext":
        return RetryContext(self._invocation.retry)


class TraceContext:
    """The W3C trace an invocation belongs to."""

    def __init__(self, trace_parent: str) -> None:
        self.trace_parent = trace_parent
        self.trace_state = ""
        self.attributes: dict[str, str] = {}

    # The worker's own class has had these spellings, too.
    @property
    def Traceparent(self) -> str:
        return self.trace_parent

    @property
    def Tracestate(self) -> str:
        return self.trace_state


class RetryContext:
    """Which try of a function with a retry policy a call is."""

    def __init__(self, retry: Retry | None) -> None:
        self.retry_count = retry.count if retry else 0
        self.max_retry_count = retry.max_count if retry else 0
        # The worker's own class has this name, and a value in the first try, too.
        self.rpc_exception = RetryException((retry and retry.error) or "")

    @property
    def exception(self) -> "RetryException":
        """What `azure.functions.RetryContext` promises, and the worker of Azure does not have."""
        raise AttributeError(
            "'RetryContext' object has no attribute 'exception' in the Functions worker: "
            "it is rpc_exception"
        )


class RetryException:
    """What the try before ended with, with the names that the worker's own class has."""

    def __init__(self, error: str) -> None:
        self.message = error
        self.source = ""
        self.stack_trace = ""
