"""Numbers that make no sense, in every field and query that takes one: refused by name, no more."""

import json
import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanout.errors import InvalidRequestError
from starters.api import endpoints
from starters.lifecycle.json_text import read_json
from starters.lifecycle.validation import validate
from tests.support.hostile.forms import choose
from tests.support.hostile.numbers import (
    MANY_DIGITS,
    Place,
    number_places,
)
from tests.support.hosts.host_process import Answer
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import product_on
from workloads import registry

pytestmark = pytest.mark.needs_settings
# In the short form, for each place.
FEW = 5
BODIES = {
    "RunRequest": ("POST", "/api/runs", {"dry_run": True}),
    "LimitsChange": ("PATCH", "/api/runs/nobody", {}),
    "RedriveRequest": ("POST", "/api/runs/nobody/redrive", {}),
}
PRODUCT_WORKLOADS = ("images", "notifications", "orders", "receipts", "reports")
QUERIES = [
    (endpoint, argument)
    for endpoint in endpoints.ALL
    for argument in endpoint.arguments
    if argument.place == "query"
]
ODD_TEXTS = (
    *("", " ", "0", "-1", "1.5", "1e3", "1e999", "NaN", "Infinity", "٣", "１", "+1", "1_0", "\0"),
    *(MANY_DIGITS, f"{MANY_DIGITS}.0.0", f"0.0.{MANY_DIGITS}", f"i!{MANY_DIGITS}!a", "'"),
    *("i!9999999999999!a", "i!9999999999999!" + "a" * 3_000, "rows:" + "\x01", "rows:'", "blobs:x"),
    *("2024-01-01T00:00:00+99:99", "2024-01-01T00:00:00+05:99", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:59-14:00", "10000-01-01", "2024-01-01T00:00:00+00:00:99", "x" * 6_000),
)


@pytest.fixture(scope="module")
def product(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("numbers")
    with product_on(storage, folder, FANOUT_RUNS_CONTAINER="hostile-numbers") as product:
        yield product


@pytest.fixture(scope="module")
def document(product: Product) -> dict[str, Any]:
    return dict(product.host.get("/api/openapi.json").json)


def refused_fields(answer: Answer) -> list[str]:
    assert answer.status == 400, (answer.status, answer.body[:500])
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json["status"] == 400
    return [error["field"] for error in answer.json["errors"]]


def is_sound(answer: Answer) -> bool:
    """Whether an answer is one of the documented ones, and no number in it is infinite."""
    return answer.status < 500 and all(map(math.isfinite, _floats(answer)))


def _floats(answer: Answer) -> Iterator[float]:
    found: list[float] = []
    if "json" in (answer.header("content-type") or ""):
        json.loads(answer.body, parse_float=lambda t: found.append(float(t)), parse_constant=float)
    yield from found


def send(product: Product, model: str, place: Place, number: str) -> Answer:
    method, path, more = BODIES[model]
    body = place.document(number)
    if more:
        body = b"{" + json.dumps(more).encode()[1:-1] + b", " + body[1:]
    return product.host.request(method, path, body, {})


@pytest.mark.chaos
@pytest.mark.parametrize("model", BODIES)
def test_every_number_of_a_body_is_refused_by_name_beyond_its_bounds(
    model: str, product: Product, document: dict[str, Any], chaos_seconds: float
):
    places = number_places(document["components"]["schemas"][model], document)
    assert len(places) >= 3
    for place in places:
        outside = [*place.numbers_outside(), *place.never_numbers()]
        for number in choose(outside, FEW, chaos_seconds):
            fields = refused_fields(send(product, model, place, number))
            # Text that is no JSON has no fields.
            assert set(fields) & {place.field, "body"}, (place.field, number[:50], fields)


@pytest.mark.parametrize("model", BODIES)
def test_every_number_of_a_body_is_answered_at_its_bounds(
    model: str, product: Product, document: dict[str, Any]
):
    for place in number_places(document["components"]["schemas"][model], document):
        for number in place.bounds:
            answer = send(product, model, place, number)
            assert is_sound(answer), (place.field, number, answer.body[:500])
            named = [error["field"] for error in answer.json.get("errors", [])]
            assert place.field not in named, answer.json


def test_a_run_comes_to_its_end_with_every_number_at_its_bounds(
    product: Product, document: dict[str, Any]
):
    places = number_places(document["components"]["schemas"]["RunRequest"], document)
    runs = []
    for place in places:
        for number in place.bounds if place.steps[0] != "source" else ():
            request = json.loads(place.document(number))
            source = {"kind": "inline", "items": [{"id": 1}]}
            answer = product.post({**request, "workload": "probe", "source": source})
            assert answer.status == 202, answer.body
            runs.append(answer.json["run_id"])
    assert len(runs) >= 20
    for run_id in runs:
        status = product.done(run_id)
        assert status["items"]["total"] == 1
        assert status["error"] is None or "failed" in status["error"], status


@pytest.mark.chaos
@pytest.mark.parametrize("workload", PRODUCT_WORKLOADS)
def test_every_number_of_parameters_is_refused_by_name_beyond_its_bounds(
    workload: str, product: Product, chaos_seconds: float
):
    schema = product.host.get(f"/api/workloads/{workload}").json["parameters"]
    for place in number_places(schema, schema):
        outside = [*place.numbers_outside(), *place.never_numbers()]
        for number in choose(outside, FEW, chaos_seconds):
            head = f'{{"workload": "{workload}", "dry_run": true, "source": {{"kind": "inline", '
            body = f'{head}"items": [{{}}]}}, "parameters": '.encode()
            answer = product.host.request(
                "POST", "/api/runs", body + place.document(number) + b"}", {}
            )
            fields = refused_fields(answer)
            named = [f for f in fields if f.startswith(f"parameters.{place.field}") or f == "body"]
            assert named, (place.field, number[:50], fields)


@pytest.mark.chaos
@pytest.mark.parametrize(
    "fields", [{f"k{n}": 1 for n in range(5_000)}, {"k" * 90_000: 1}, {"workload": "w" * 90_000}]
)
def test_a_refusal_is_short_however_much_is_wrong(fields: dict[str, Any], product: Product):
    answer = product.post(fields)
    assert refused_fields(answer)
    assert len(answer.body) < 20_000


@pytest.mark.parametrize(
    ("endpoint", "argument"), QUERIES, ids=lambda one: getattr(one, "function", None) or one.name
)
def test_no_query_is_answered_by_500(
    endpoint: endpoints.Endpoint,
    argument: endpoints.Argument,
    product: Product,
    chaos_seconds: float,
):
    run = product.post(
        {"workload": "probe", "run_id": "over", "source": {"kind": "inline", "items": [{"id": 1}]}}
    )
    assert run.status in (200, 202)
    product.done("over")
    path = f"/api/{endpoint.route.replace('{run_id}', 'over')}"
    for text in choose(ODD_TEXTS, FEW, chaos_seconds):
        answer = product.host.request(
            endpoint.method, f"{path}?{argument.name}={quote(text)}", b"", {}
        )
        assert is_sound(answer), (text[:50], answer.status, answer.body[:500])
        most = argument.schema.get("maxLength")
        is_number = argument.schema["type"] == "integer"
        if (most is not None and len(text) > most) or (is_number and len(text) > 15):
            assert refused_fields(answer) == [argument.name]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_floats_anywhere_are_answered_and_never_by_500(
    data: st.DataObject, product: Product, document: dict[str, Any]
):
    model = data.draw(st.sampled_from(sorted(BODIES)))
    places = number_places(document["components"]["schemas"][model], document)
    place = data.draw(st.sampled_from(places))
    number = data.draw(
        st.floats(allow_nan=False, allow_infinity=False).map(repr)
        | st.integers().map(str)
        | st.integers(min_value=300, max_value=10**6).map(lambda power: f"1e{power}")
    )
    answer = send(product, model, place, number)
    assert is_sound(answer), (place.field, number[:50], answer.body[:500])
    low, high = place.schema["minimum"], place.schema["maximum"]
    if answer.status != 400:
        assert low <= float(number) <= high


@pytest.mark.parametrize("workload", PRODUCT_WORKLOADS)
def test_every_number_of_an_item_is_refused_by_name_beyond_its_bounds(workload: str):
    model = registry.get(workload).item_model
    schema = model.model_json_schema()
    for place in number_places(schema, schema):
        for number in (*place.numbers_outside(), *place.never_numbers()):
            try:
                item = read_json(place.document(number))
            except InvalidRequestError as refused:
                assert {p.field for p in refused.problems} & {place.field, "body"}
                continue
            with pytest.raises(InvalidRequestError) as refused_item:
                validate(model, item)
            last = place.field.rpartition(".")[2]
            named = [p.field for p in refused_item.value.problems]
            assert any(last in field for field in named), (place.field, number[:50], named)


ITEM = '{"id": "odd", "good": %s}'
GOOD = '{"id": "good"}'


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", MANY_DIGITS])
def test_an_item_of_the_request_with_such_a_number_is_refused_by_its_place(
    number: str, product: Product
):
    items = f"[{GOOD}, {ITEM % number}]"
    body = f'{{"workload": "probe", "source": {{"kind": "inline", "items": {items}}}}}'.encode()
    for _ in range(2):  # it has claimed nothing
        assert refused_fields(product.post(body)) == ["source.items[1].good"]


@pytest.mark.parametrize("kind", ["jsonl", "json", "text"])
@pytest.mark.parametrize("number", ["1e999", "-1e400", "NaN", "-Infinity", MANY_DIGITS])
def test_an_item_of_a_source_with_such_a_number_fails_alone(
    kind: str, number: str, product: Product
):
    items = [GOOD.replace("good", "first"), ITEM % number, GOOD]
    text = f"[{','.join(items)}]" if kind == "json" else "\n".join(items)
    if kind == "text":
        source: Any = {"kind": "text", "text": text, "read": "jsonl"}
    else:
        source = product.source(text.encode(), kind)
    request = {"workload": "probe", "source": source, "tolerance": {"count": 1}}
    status = product.run(request)
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (2, 1)
    (failed,) = [one for one in product.outcomes(status["run_id"]) if one.status == "failed"]
    assert failed.index == 1
    assert failed.error is not None
    assert failed.error.type in ("JsonLineError", "JsonItemError")
