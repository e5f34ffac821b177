"""What an output binding is to the host, whatever it writes to."""

from typing import Any, Protocol

from localhost.execution.contract import Invocation


class BindingError(Exception):
    """A binding cannot be served; the message names the function, the setting and what to do."""


class Output(Protocol):
    """Where the values of one output binding of one function go."""

    async def write(self, value: Any, invocation: Invocation) -> None:
        """Write what a call has set; whatever this raises fails the call."""

    async def close(self) -> None:
        """Let go of connections."""
