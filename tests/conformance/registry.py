"""The cases: what is asked of a host, from outside, and noted down."""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from tests.conformance.web import Web

ENDED = ("Completed", "Failed", "Terminated", "Canceled")
HISTORY = "?showHistory=true&showHistoryOutput=true"
PAUSE_SECONDS = 0.15

CASES: dict[str, "Ask"] = {}
ALONE: dict[str, "Ask"] = {}


class Case:
    """One case under way: a host, and an instance id of its own.

    Attributes:
        mark: Is part of every id, so that a host can be asked twice.
    """

    def __init__(self, name: str, web: Web, mark: str) -> None:
        self.name = name
        self.mark = mark
        self.id = f"{name}-{mark}"
        self.base = web.base
        self.hooks = f"{web.base}/runtime/webhooks/durabletask"
        self.call = web.call
        self.answer = web.answer

    def sdk(self, op: str, **arguments: Any) -> Any:
        """Do something by the client of the SDK."""
        status, headers, body = self.call("POST", f"/api/client/{op}", arguments)
        if isinstance(body, dict) and set(body) in ({"result"}, {"error"}) and status == 200:
            return body
        kept = {"location": "Location", "retry": "Retry-After", "type": "Content-Type"}
        found = {key: headers.get(name) for key, name in kept.items()}
        return {"status": status, **found, "body": body}

    def start(self, name: str, given: Any = None, id_: str | None = None) -> Any:
        """Start by the management API, the input encoded as the SDK's client does."""
        url = f"{self.hooks}/orchestrators/{name}/{quote(id_ or self.id, safe='')}"
        return self.call("POST", url, None if given is None else json.dumps(given))

    def status(self, id_: str | None = None, query: str = HISTORY) -> Any:
        """Ask how an instance stands."""
        return self.call("GET", f"{self.hooks}/instances/{quote(id_ or self.id, safe='')}{query}")

    def wait(
        self,
        test: Callable[[Any], bool] = lambda body: body.get("runtimeStatus") in ENDED,
        seconds: float = 45,
        id_: str | None = None,
    ) -> Any:
        """Wait until a test holds of a status, for a time."""
        end, body, status = time.monotonic() + seconds, None, 0
        while time.monotonic() < end:
            status, _, body = self.status(id_, "")
            if isinstance(body, dict) and test(body):
                return body
            time.sleep(PAUSE_SECONDS)
        seen = body if isinstance(body, dict) else {}
        return {"not in time": True, "http": status, **seen}

    def ended(self, seconds: float = 45, id_: str | None = None, history: bool = True) -> Any:
        """The whole of an instance that has ended, or what is seen of it after the time."""
        late = "not in time" in self.wait(seconds=seconds, id_=id_)
        status, headers, whole = self.status(id_, HISTORY if history else "")
        kept = {n: headers[n] for n in ("Content-Type", "Retry-After") if headers.get(n)}
        seen = {"http": status, "headers": kept, "body": whole}
        return {"NOT IN TIME": True, **seen} if late else seen

    def run(
        self,
        name: str,
        given: Any = None,
        seconds: float = 45,
        history: bool = True,
        id_: str | None = None,
    ) -> Any:
        """Start, wait for the end, and give all that is seen."""
        status, _, body = self.start(name, given, id_)
        if status != 202:
            return {"start": status, "body": body}
        return self.ended(seconds, id_, history)

    def output(
        self, name: str, given: Any = None, seconds: float = 45, id_: str | None = None
    ) -> Any:
        """Run, and give only what came out."""
        seen = self.run(name, given, seconds, False, id_)
        body = seen.get("body")
        if not isinstance(body, dict) or "runtimeStatus" not in body:
            return seen
        late = {"NOT IN TIME": True} if "NOT IN TIME" in seen else {}
        return {n: body.get(n) for n in ("runtimeStatus", "output", "customStatus")} | late

    def until(self, value: str, id_: str | None = None, seconds: float = 30) -> Any:
        """Wait for a status, and give the one there is then."""
        found = self.wait(lambda body: body.get("runtimeStatus") == value, seconds, id_)
        return found.get("runtimeStatus")

    def event(
        self, event: str, body: Any, id_: str | None = None, type_: str = "application/json"
    ) -> Any:
        """Raise an event: bytes as they are, all else as the SDK's client encodes it."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        url = f"{self.hooks}/instances/{id_ or self.id}/raiseEvent/{event}"
        return self.answer("POST", url, data, type_)["status"]


Ask = Callable[[Case], Any]


def case(function: Ask) -> Ask:
    """Enter a case, by the name of its function."""
    CASES[function.__name__] = function
    return function


def alone(function: Ask) -> Ask:
    """Enter a case that looks at everything or makes much work: it runs after all others."""
    ALONE[function.__name__] = function
    return function


def simple(
    name: str,
    orchestrator: str,
    given: Any = None,
    seconds: float = 45,
    *,
    history: bool = True,
    output: bool = False,
    tidy: Callable[[Any], Any] = lambda seen: seen,
) -> None:
    """Enter a case that runs one orchestrator; the input may depend on the case.

    Args:
        name: The case's.
        orchestrator: The function to start.
        given: Its input, or what makes it of the case.
        seconds: How long to wait for the end.
        history: The history is noted, too.
        output: Only what comes out is noted.
        tidy: Takes out what may come one way or another.
    """

    def run(c: Case) -> Any:
        value = given(c) if callable(given) else given
        if output:
            return tidy(c.output(orchestrator, value, seconds))
        return tidy(c.run(orchestrator, value, seconds, history))

    CASES[name] = run


def same(value: Any) -> Callable[[Case], Any]:
    """An input that is the same for each case."""
    return lambda c: value


def in_any_order(seen: Mapping[str, Any]) -> Any:
    """Of tasks that run side by side any may end first."""
    failures = re.compile(r"ValueError: (?:plain|ünï ☃ 😀)|Odd: \(1, \{'b': 2\}\)")
    body = json.loads(failures.sub("one or another", json.dumps(seen, ensure_ascii=False)))
    events = body.get("body", {}).get("historyEvents")
    if events is not None:
        events.sort(key=_place)
    return body


def _place(event: Mapping[str, Any]) -> list[str]:
    """What an event is sorted by: all but times."""
    names = ("EventType", "FunctionName", "Name", "Reason", "Result")
    return [json.dumps(event.get(name), sort_keys=True) for name in names]
