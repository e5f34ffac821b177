"""The seam between the host and user code: what a function is, and how one is invoked.

`localhost.execution.workers` implements `Executor`; HTTP, timers and the durable engine call it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """A function of the app, as its bindings describe it.

    Attributes:
        trigger: The trigger binding with camelCase keys and lower-case enum values; its `type` is
            ``httpTrigger``, ``activityTrigger``, ``orchestrationTrigger``, ``entityTrigger``, ...
        bindings: Every binding, the trigger included.
        is_streamed: Whether its request and response are streams; see `HttpStreamData`.
        is_async: Whether user code is a coroutine function (it then runs on the worker's one loop).
        obstacle: What of it this host does not serve, where its code alone shows that.
    """

    name: str
    trigger: dict[str, Any]
    bindings: list[dict[str, Any]]
    is_async: bool
    retry_policy: dict[str, str] | None = None
    obstacle: str | None = None
    is_streamed: bool = False

    @property
    def trigger_type(self) -> str:
        """The binding type of the trigger."""
        return str(self.trigger["type"])

    @property
    def durable_name(self) -> str:
        """The name orchestrations call it by: the trigger's override, else the function's name."""
        for key in ("activity", "orchestration", "entityName"):
            if self.trigger.get(key):
                return str(self.trigger[key])
        return self.name


def is_deferred(binding: Mapping[str, Any]) -> bool:
    """Whether the function gets a client of what a binding names, not its content."""
    return bool((binding.get("properties") or {}).get("SupportsDeferredBinding"))


@dataclass(frozen=True, slots=True)
class BlobReference:
    """Where a blob is, for a function that gets a client of it.

    Attributes:
        connection: The name of the setting.
    """

    connection: str
    container: str
    name: str


@dataclass(frozen=True, slots=True)
class HttpRequestData:
    """An HTTP request as the host hands it to a worker; header names are lower-case."""

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str]
    route_params: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpStreamData:
    """An HTTP request whose body is a stream, as is that of its response.

    Attributes:
        address: The socket of the host that the worker connects to for both.
        path: Decoded, without the query.
        raw_path: As it was sent, with the query.
        headers: As they were sent; names are lower-case.
    """

    address: str
    method: str
    scheme: str
    path: str
    raw_path: bytes
    headers: list[tuple[bytes, bytes]]
    route_params: dict[str, str]
    client: tuple[str, int] | None
    server: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class HttpResponseData:
    """An HTTP response as a worker returns it; `headers` may repeat a name (Set-Cookie)."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Retry:
    """Which try of a function with a retry policy a call is.

    Attributes:
        count: 0 for the first try.
        max_count: -1 means without end.
        error: What the try before ended with.
    """

    count: int
    max_count: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of one function.

    Attributes:
        payload: What the trigger delivers: JSON text for durable triggers (an activity's input, the
            orchestration or entity context), `HttpRequestData` or `HttpStreamData` for HTTP, JSON
            text for timers.
        inputs: Values of further input bindings by name: the durable client's JSON text, what was
            read of a blob or a table.
        metadata: Trigger metadata by name.
        trace_parent: W3C traceparent of the span this invocation belongs to.
        retry: Which try this is, where the function has a retry policy.
    """

    id: str
    function: str
    payload: Any
    inputs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    trace_parent: str | None = None
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """How a call ended.

    Attributes:
        value: When `error` is None: JSON text for activities, the returned text for orchestrators
            and entities, `HttpResponseData` for HTTP, None for the rest.
        error: ``ExceptionType: message`` when user code raised, else None.
        stack: Its traceback.
        outputs: Values set on out bindings, by name.
        is_no_exception: What was raised is no `Exception`: SystemExit, CancelledError. Azure's
            worker ends with it, or never answers; so nothing is known of how its host would go on.
        is_given_up: The host ended the call: it took too long, or its worker is gone.
    """

    id: str
    value: Any = None
    error: str | None = None
    stack: str | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    is_no_exception: bool = False
    is_given_up: bool = False


OnResults = Callable[[Sequence[InvocationResult]], None]


class Executor(Protocol):
    """Runs user code.

    `submit` never blocks. `on_results` is called on the host's event loop, perhaps several times,
    until every invocation has exactly one result. If the process that runs them dies, activities,
    orchestrators and entities are delivered again; any other invocation ends with an error.
    """

    @property
    def functions(self) -> Sequence[FunctionInfo]:
        """The functions of the app, in the order they were registered."""

    async def start(self) -> None:
        """Load the app. Raises `AppLoadError` with the reason if it cannot be."""

    async def stop(self) -> None:
        """Let running calls end within a grace period, then stop."""

    def submit(self, invocations: Sequence[Invocation], on_results: OnResults) -> None:
        """Run these calls."""


class HostedExecutor(Executor, Protocol):
    """An executor that starts in two steps and takes constant inputs."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of user code; it may be added to until `start`."""

    async def prepare(self) -> None:
        """Do what can be done before the environment is known."""

    def bind(self, inputs: Mapping[str, dict[str, str]]) -> None:
        """Set what calls get besides the trigger's value: by function, then by binding name."""


class AppLoadError(Exception):
    """The app cannot be loaded, or needs something this host does not serve."""
