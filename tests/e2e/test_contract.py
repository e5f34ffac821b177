"""The API keeps what /api/openapi.json says of it, whatever is sent; keys are asked for."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from starters.api import endpoints
from tests.support.hosts.host_process import Answer, Host
from tests.support.hosts.hosts import chosen, patient
from tests.support.hosts.product import DEADLINE_SECONDS, fresh_id, new_container
from tests.support.hosts.running_product import MAX_REQUEST_BYTES, keyed_product_on

# Left out: `unsupported_method`, since the Functions host answers 404 where others answer 405; and
# `positive_data_acceptance`, since a schema cannot tell which blobs and workloads there are.
CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    ignored_auth,
    missing_required_header,
]
EXAMPLES = 15
# The answers are the app's: of another host it is asked that it passes them on.
EXAMPLES_ELSEWHERE = 5
KEY = "x-functions-key"
MAX_LINE = 8_000


@dataclass
class Closed:
    """A product that asks for keys, with a key of it."""

    host: Host
    key: str
    over: str
    going: str

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        return self.host.request(method, path, data, {KEY: self.key})

    def start(self, run_id: str, **more: Any) -> None:
        source = {"kind": "inline", "items": [{"id": n} for n in range(3)]}
        request = {"workload": "probe", "run_id": run_id, "source": source, **more}
        assert self.request("POST", "/api/runs", request).status == 202

    def until_over(self, run_id: str) -> None:
        deadline = time.monotonic() + patient(DEADLINE_SECONDS)
        while self.request("GET", f"/api/runs/{run_id}").json["phase"] != "done":
            assert time.monotonic() < deadline, self.host.log
            time.sleep(0.05)


@pytest.fixture(scope="module")
def closed(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    with keyed_product_on(storage, folder, FANOUT_RUNS_CONTAINER=new_container("contract")) as (
        it,
        key,
    ):
        closed = Closed(it.host, key, fresh_id("over"), fresh_id("going"))
        closed.start(closed.over)
        closed.start(closed.going, concurrency={"items_per_second": 0.01})
        closed.until_over(closed.over)
        yield closed
        closed.request("POST", f"/api/runs/{closed.going}/cancel")


@pytest.fixture(scope="module")
def schema(closed: Closed) -> Any:
    answer = closed.request("GET", "/api/openapi.json")
    assert answer.status == 200
    return schemathesis.openapi.from_dict(answer.json)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("endpoint", endpoints.ALL, ids=lambda one: one.function)
def test_every_answer_is_one_that_is_documented(
    endpoint: endpoints.Endpoint, mode: GenerationMode, closed: Closed, schema: Any
):
    has_faults = endpoint.arguments or endpoint.body or "{" in endpoint.route
    if mode is GenerationMode.NEGATIVE and not has_faults:
        return  # nothing can be said to it, so nothing wrong
    path = "/api/" + endpoint.route.replace("{*", "{")
    operation = schema[path][endpoint.method]

    @settings(
        max_examples=EXAMPLES if chosen().is_embedded else EXAMPLES_ELSEWHERE,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        run_id=st.sampled_from([None, closed.over, closed.going]),
        workload=st.sampled_from([None, "probe", "reports"]),
    )
    def holds(case: schemathesis.Case, run_id: str | None, workload: str | None) -> None:
        if mode is GenerationMode.POSITIVE and endpoint is not endpoints.DELETE_RUN:
            make_known(case, run_id, workload)
        # The Functions host hands on no parameter that is empty.
        assume("" not in [*case.query.values()])
        # The front of another host may answer by itself for a path with a line break.
        assume(chosen().is_embedded or "\n" not in "".join(map(str, case.path_parameters.values())))
        assume(is_short(case))
        case.call_and_validate(
            base_url=closed.host.origin,
            headers={KEY: closed.key},
            checks=checks_here(),
        )

    holds()


def is_short(case: schemathesis.Case) -> bool:
    """Whether a case gets to the app: servers answer a longer line by themselves, we 413."""
    line = len(urlencode(case.query, errors="replace", doseq=True))
    return line < MAX_LINE and len(json.dumps(case.body, default=str)) < MAX_REQUEST_BYTES


def checks_here() -> list[Any]:
    """All of them, where the host asks for keys."""
    has_keys = chosen().why_not("needs_keys") is None
    return [check for check in CHECKS if has_keys or check is not ignored_auth]


def make_known(case: schemathesis.Case, run_id: str | None, workload: str | None) -> None:
    """Name what is there, so that not every call ends at what is not."""
    if run_id and "run_id" in case.path_parameters:
        case.path_parameters["run_id"] = run_id
    elif workload and "name" in case.path_parameters:
        case.path_parameters["name"] = workload
    if workload and isinstance(case.body, dict) and "workload" in case.body:
        case.body["workload"] = workload


@pytest.mark.parametrize("endpoint", endpoints.ALL, ids=lambda one: one.function)
@pytest.mark.needs_keys
@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_nobody_gets_through_without_a_key_but_to_the_health_check(
    endpoint: endpoints.Endpoint, key: str | None, closed: Closed
):
    path = "/api/" + endpoint.route.replace("{run_id}", closed.over).replace("{*name}", "x")
    headers = {} if key is None else {KEY: key}
    answer = closed.host.anonymous.request(endpoint.method, path, b"{}", headers)
    assert answer.status == (200 if endpoint is endpoints.GET_HEALTH else 401)
