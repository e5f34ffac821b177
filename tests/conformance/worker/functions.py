"""Functions that differ in one annotation or one time each, for a worker to take or to refuse."""

import dataclasses
import enum
import typing
from collections.abc import Iterator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    """A generic class of the app's own."""


class Readable(typing.Protocol):
    """A protocol, of which `issubclass` says nothing."""

    name: str

    def read(self) -> bytes: ...


class Fields(typing.TypedDict):
    """A dictionary with names."""

    a: int


class Pair(typing.NamedTuple):
    """A tuple with names."""

    a: int


class Request(func.HttpRequest):
    """A class below one that a binding gives."""


class Colour(enum.StrEnum):
    """A class below `str`."""

    RED = "red"


@dataclasses.dataclass
class Point:
    """A plain class."""

    x: int


Number = typing.NewType("Number", int)
ANNOTATIONS = (
    *("str", "bytes", "bytearray", "int", "bool", "dict", "list", "tuple", "object", "None"),
    *(
        "dict[str, int]",
        "list[str]",
        "list[func.ServiceBusMessage]",
        "tuple[int, str]",
        "type[int]",
    ),
    *("str | None", "func.HttpResponse | str", "'str'", "type", "set", "float"),
    *("typing.Any", "typing.List", "typing.List[str]", "typing.Dict[str, int]", "typing.Tuple"),
    *("typing.Tuple[int, str]", "typing.Literal['a']", "typing.Callable", "typing.Type[int]"),
    *("typing.Callable[[int], str]", "typing.Optional[str]", "typing.Union[int, str]"),
    *("typing.Optional[func.HttpResponse]", "typing.NoReturn", "typing.Sequence[str]"),
    *("typing.Mapping", "typing.Annotated[str, 1]", "typing.ClassVar[int]", "typing.LiteralString"),
    *("typing.List[func.ServiceBusMessage]", "typing.Sequence[func.ServiceBusMessage]"),
    *("T", "Box", "Box[int]", "Readable", "Fields", "Pair", "Request", "Colour", "Point", "Number"),
    *("func.HttpRequest", "func.HttpResponse", "func.TimerRequest", "func.ServiceBusMessage"),
    *("func.InputStream", "func.Context", "func.Out", "func.Out[str]", "func.Out[bytes]"),
    *("func.Out[int]", "func.Out[dict]", "func.Out[typing.List[str]]", "func.Out[list[str]]"),
    *("func.Out[func.HttpResponse]", "func.Out[func.ServiceBusMessage]"),
    *("func.Out[typing.List[func.ServiceBusMessage]]", "func.Out[typing.Optional[str]]"),
    *("df.DurableOrchestrationClient", "df.DurableOrchestrationContext"),
)
_BUS = 'arg_name="it", queue_name="q", connection="c"'
ANNOTATED = {
    "httpTrigger": "@app.route()\ndef f(req: {}): ...",
    "http": "@app.route()\ndef f(req) -> {}: ...",
    "context": "@app.route()\ndef f(req, context: {}): ...",
    "timerTrigger": '@app.timer_trigger(arg_name="it", schedule="0 * * * * *")\ndef f(it: {}): ...',
    "activityTrigger": '@app.activity_trigger(input_name="it")\ndef f(it: {}): ...',
    "activityTrigger returns": '@app.activity_trigger(input_name="it")\ndef f(it) -> {}: ...',
    "orchestrationTrigger": '@app.orchestration_trigger(context_name="context")\n'
    "def f(context: {}): yield",
    "serviceBusTrigger": f"@app.service_bus_queue_trigger({_BUS})\ndef f(it: {{}}): ...",
    "serviceBus": f"@app.route()\n@app.service_bus_queue_output({_BUS})\ndef f(req, it: {{}}): ...",
    "blobTrigger": '@app.blob_trigger(arg_name="it", path="a/b", connection="c")\n'
    "def f(it: {}): ...",
    "durableClient": '@app.route()\n@app.durable_client_input(client_name="it")\n'
    "async def f(req, it: {}): ...",
}
TIMES = (
    *(
        "00:00:00",
        "00:00:05",
        "0:0:5",
        "23:59:59",
        "00:00:61",
        "24:00:00",
        "1.00:00:00",
        "00:60:00",
    ),
    *("00:00:05.5", "00:05", "5", "", "soon", "-00:00:05"),
)
_TICK = '\n@app.timer_trigger(arg_name="it", schedule="0 * * * * *")\ndef f(it): ...'
TIMED = {
    "delay_interval": '@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="{}")'
    + _TICK,
    "minimum_interval": '@app.retry(strategy="exponential_backoff", max_retry_count="2", '
    'minimum_interval="{}", maximum_interval="23:59:59")' + _TICK,
    "maximum_interval": '@app.retry(strategy="exponential_backoff", max_retry_count="2", '
    'minimum_interval="00:00:00", maximum_interval="{}")' + _TICK,
}
HEAD = """
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route()
def f(req): ...
"""
# Whole scripts; of these a worker takes or refuses the app.
SCRIPTS = {
    "one app": HEAD,
    "an app and a blueprint": f"{HEAD}more = df.Blueprint()",
    "an app under two names": f"{HEAD}other = app",
    "two apps": f"{HEAD}other = func.FunctionApp()",
    "no app": f"{HEAD}del app",
    "an app in a list": f"{HEAD}apps = [app]\ndel app",
    "two functions of one name": f"{HEAD}@app.route()\ndef f(req): ...",
    "a method as function": f"{HEAD}class A:\n  def g(self, req): ...\napp.route()(A().g)",
    "a partial as function": f"{HEAD}import functools\n"
    "g = functools.partial(f)\ng.__name__ = 'g'\napp.route()(g)",
    "a callable object as function": f"{HEAD}class A:\n  __name__ = 'a'\n"
    "  def __call__(self, req): ...\napp.route()(A())",
    "a built-in function": f"{HEAD}app.route()(len)",
    "a name that cannot be resolved": f"{HEAD}@app.route()\ndef g(req: 'Nothing'): ...",
}


def functions() -> Iterator[tuple[str, str, Any]]:
    """Yield each function as azure-functions builds it, with where it varies and by what."""
    for cases, values in ((ANNOTATED, ANNOTATIONS), (TIMED, TIMES)):
        for place, template in cases.items():
            for value in values:
                # Each has an app of its own, so that none refuses another's name.
                names = {**globals(), "app": df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)}
                exec(compile(template.format(value), __file__, "exec"), names)
                yield place, value, names["f"].build()
