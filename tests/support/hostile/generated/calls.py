"""HTTP calls that are hostile: bodies, queries, paths and headers, of every endpoint."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from starters.api import endpoints
from tests.support.hostile.generated.documents import at_each_place, damage_bytes, mutate
from tests.support.hostile.generated.examples import CHANGES, REDRIVES, REQUESTS
from tests.support.hostile.generated.values import VALUES, hostile_value
from tests.support.hostile.numbers import Place, every_place

# Of what is deleted and what is walked through without end there is one in so many calls.
_RARE = 50
_HEADERS = (
    *("Idempotency-Key", "Content-Type", "Accept", "Accept-Encoding", "If-None-Match", "Range"),
    *("Origin", "Sec-Fetch-Site", "X-Forwarded-For", "x-ms-client-principal", "x-functions-key"),
    *("traceparent", "Content-Encoding", "Expect-CT", "Cookie", "X-HTTP-Method-Override"),
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "x")


@dataclass(frozen=True)
class Call:
    """A request as it is sent.

    Attributes:
        kind: What it is, for people.
    """

    kind: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Calls:
    """Generates calls by number: the same gives the same.

    Args:
        document: The OpenAPI document of the app.
        parameters: The JSON Schema of the parameters of each workload, by its name.
        run_ids: Runs that there are.
    """

    def __init__(
        self, document: dict[str, Any], parameters: dict[str, dict[str, Any]], run_ids: list[str]
    ) -> None:
        self._run_ids = run_ids
        self._places = {
            name: every_place(document["components"]["schemas"][name], document)
            for name in ("RunRequest", "LimitsChange", "RedriveRequest")
        }
        self._parameters = [
            (name, place)
            for name, schema in parameters.items()
            for place in every_place(schema, schema)
        ]
        self._makers: tuple[Callable[[int, Random], Call], ...] = (
            *(self._request, self._request, self._parameter, self._mutation, self._mutation),
            *(self._change, self._redrive, self._query, self._path, self._header),
        )

    @property
    def each_place_and_kind(self) -> int:
        """How many calls it takes until each place of the request had a value of each kind."""
        return len(self._places["RunRequest"]) * len(VALUES) * len(self._makers) // 2

    def generate(self, number: int) -> Call:
        """The call of a number."""
        turn, at = divmod(number, len(self._makers))
        return self._makers[at](2 * turn + at % 2, Random(number))

    def _request(self, number: int, chance: Random) -> Call:
        kind, body = at_each_place(self._places["RunRequest"], number, chance)
        return Call(kind, "POST", "/api/runs", only_asked(body))

    def _parameter(self, number: int, chance: Random) -> Call:
        name, place = self._parameters[number // 2 % len(self._parameters)]
        kind, parameters = _at_place(place, chance)
        source = b'{"kind": "inline", "items": [{"id": "1"}]}'
        body = b'{"workload": "%b", "source": %b, "parameters": %b}'
        return Call(
            f"{kind} of {name}",
            "POST",
            "/api/runs",
            only_asked(body % (name.encode(), source, parameters)),
        )

    def _mutation(self, number: int, chance: Random) -> Call:
        kind, body = mutate(chance.choice(REQUESTS), chance)
        return Call(kind, "POST", "/api/runs", body)

    def _change(self, number: int, chance: Random) -> Call:
        if chance.random() < 0.5:
            kind, body = mutate(chance.choice(CHANGES), chance)
        else:
            kind, body = at_each_place(self._places["LimitsChange"], number // 2, chance)
        return Call(f"a change: {kind}", "PATCH", f"/api/runs/{self._run(chance)}", body)

    def _redrive(self, number: int, chance: Random) -> Call:
        if chance.random() < 0.5:
            kind, body = mutate(chance.choice(REDRIVES), chance)
        else:
            kind, body = at_each_place(self._places["RedriveRequest"], number // 2, chance)
        return Call(f"a redrive: {kind}", "POST", f"/api/runs/{self._run(chance)}/redrive", body)

    def _query(self, number: int, chance: Random) -> Call:
        endpoint = self._endpoint(chance)
        names = [a.name for a in endpoint.arguments if a.place == "query"]
        names += ["unknown", "code", "taskHub"]
        pairs = [
            f"{chance.choice(names)}={_odd_part(chance)}"
            for _ in range(chance.choice([1, 1, 2, 50]))
        ]
        path = f"{self._route(endpoint, chance)}?{'&'.join(pairs)}"[:7_000]
        return Call(f"a query of {endpoint.function}", endpoint.method, path)

    def _path(self, number: int, chance: Random) -> Call:
        endpoint = self._endpoint(chance)
        path = endpoint.route
        for name in ("{run_id}", "{*name}", "{name}"):
            path = path.replace(name, _odd_part(chance)[:3_000])
        is_known = chance.random() < 0.7
        path = f"/api/{path}" if is_known else f"/{_odd_part(chance)[:3_000]}/{path}"
        method = endpoint.method if chance.random() < 0.8 else chance.choice(_METHODS)
        return Call(f"a path of {endpoint.function}", method, path)

    def _header(self, number: int, chance: Random) -> Call:
        endpoint = self._endpoint(chance)
        names = chance.sample(_HEADERS, chance.randint(1, 3))
        headers = {name: _odd_header(chance) for name in names}
        body = b""
        if endpoint.body is not None:
            body = only_asked(json.dumps(chance.choice(REQUESTS)).encode())
        path = self._route(endpoint, chance)
        return Call(f"headers of {endpoint.function}", endpoint.method, path, body, headers)

    def _run(self, chance: Random) -> str:
        return chance.choice([*self._run_ids, "nobody"])

    def _endpoint(self, chance: Random) -> endpoints.Endpoint:
        every = [one for one in endpoints.ALL if not one.is_long or one.is_file]
        return chance.choice(every if chance.randrange(_RARE) else [*endpoints.ALL])

    def _route(self, endpoint: endpoints.Endpoint, chance: Random) -> str:
        run_id = self._run(chance) if endpoint.method != "DELETE" else "nobody"
        names = {"{run_id}": run_id, "{*name}": "summary.json", "{name}": "reports"}
        path = endpoint.route
        for name, value in names.items():
            path = path.replace(name, value)
        return f"/api/{path}"


def only_asked(body: bytes) -> bytes:
    """A request that only asks, unless it says otherwise: of two members the last one counts."""
    return b'{"dry_run": true, ' + body.lstrip()[1:] if body.lstrip()[:1] == b"{" else body


def _at_place(place: Place, chance: Random) -> tuple[str, bytes]:
    kind = chance.choice([*VALUES])
    return f"{kind} at {place.field}", place.document_of(VALUES[kind](chance))


def _odd_part(chance: Random) -> str:
    value = hostile_value(chance)
    if chance.random() < 0.5:
        value = value.strip(b'"')
    if chance.random() < 0.1 and value:
        value = damage_bytes(value, chance)
    return quote(value[:2_000], safe=chance.choice(["", "/", "/%"]))


def _odd_header(chance: Random) -> str:
    text = hostile_value(chance).decode("latin-1")[: chance.choice([20, 300, 4_000])]
    return "".join(letter for letter in text if letter >= " " and letter != "\x7f") or "x"
