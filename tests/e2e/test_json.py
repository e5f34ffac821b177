"""Bodies and answers are JSON that any parser reads: what is not is named, with its field."""

import json
from typing import Any

import pytest

from fanout.adapters.digests import DIGEST, digest_of
from tests.support.hosts.product import Product
from tests.support.hosts.product_calls import ONCE, probe, problem, redrive_to_end, sums

MARK = b"\xef\xbb\xbf"
# Beyond 64 bits, beyond the integers of a double, and with as many digits as may be.
LARGE = [2**63, 2**64 + 1, -(2**70), 2**53 + 1, int("7" * 4300)]


def body(items: bytes, **more: Any) -> bytes:
    request = json.dumps({"workload": "probe", "source": {"kind": "inline"}} | more)
    return (
        request.replace('"inline"', '"inline", "items": [ITEMS]').encode().replace(b"ITEMS", items)
    )


def strict(text: bytes) -> Any:
    def refuse(name: str) -> Any:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_every_body_may_have_a_byte_order_mark(product: Product):
    request = probe([{"ending": "permanent"}], **ONCE)
    run_id = product.post(MARK + json.dumps(request).encode()).json["run_id"]
    assert product.done(run_id)["items"]["failed"] == 1
    answer = product.host.request("POST", f"/api/runs/{run_id}/redrive", MARK + b"{}")
    assert answer.status == 202, answer.body
    product.done(run_id)
    slow = probe([{"seconds": 0.2}] * 40, batch={"max_items": 1}, concurrency={"batches": 1})
    run_id = product.post(slow).json["run_id"]
    change = MARK + b'{"concurrency": {"batches": 8}}'
    answer = product.host.request("PATCH", f"/api/runs/{run_id}", change)
    assert (answer.status, answer.json["limits"]["batches"]) == (200, 8)
    product.host.request("POST", f"/api/runs/{run_id}/cancel", b"")
    product.done(run_id)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_body_in_another_encoding_is_refused_as_such(product: Product, encoding: str):
    refused = problem(product.post(json.dumps(probe([{}])).encode(encoding)), 400)
    assert encoding.upper()[:6] in refused["body"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"NaN", "JSON has no NaN"),
        (b"-Infinity", "JSON has no -Infinity"),
        (b"1e400", "1e400 is beyond the largest number"),
        (b"9" * 400 + b".5", "beyond the largest number"),
        (b"7" * 4301, "4,301 digits"),
        (b"7" * 50_000, "50,000 digits"),
        (b'"caf\\udce9"', "surrogate alone"),
        (b'"caf\xe9"', "UTF-8 cannot hold"),
    ],
)
def test_a_value_that_no_other_parser_reads_is_refused_with_its_field(
    product: Product, value: bytes, says: str
):
    request = json.dumps(probe([{}])).encode()
    for name in ("parameters", "max_items", "tolerance", "select", "retry"):
        changed = request[:-1] + b', "%s": {"a": [0, %s]}}' % (name.encode(), value)
        refused = problem(product.post(changed), 400)
        assert says in refused[f"{name}.a[1]"]
    refused = problem(product.post(body(b'{"id": 1}, {"id": [%s]}' % value)), 400)
    assert says in refused["source.items[1].id[0]"]
    assert b"\xed" not in product.post(changed).body


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"max_items": 10**4000}, "max_items"),
        ({"tolerance": {"count": 10**40}}, "tolerance.count"),
        ({"batch": {"max_items": 10**40}}, "batch.max_items"),
        ({"concurrency": {"items_per_second": 10**400}}, "concurrency.items_per_second"),
        ({"run_id": 10**40}, "run_id"),
    ],
)
def test_a_number_too_large_for_its_field_is_refused_by_name(
    product: Product, fields: dict[str, Any], name: str
):
    assert name in problem(product.post(probe([{}], **fields)), 400)


def test_integers_beyond_64_bits_survive_as_they_came(product: Product):
    items = ", ".join(f'{{"id": {number}}}' for number in LARGE).encode()
    run_id = product.post(body(items)).json["run_id"]
    assert product.done(run_id)["outcome"] == "succeeded"
    assert [outcome.item_id for outcome in product.outcomes(run_id)] == [f"item-{n}" for n in LARGE]
    kept = strict(product.host.get(f"/api/runs/{run_id}/request").body)
    assert [item["id"] for item in kept["source"]["items"]] == LARGE
    listed = strict(product.host.get(f"/api/runs/{run_id}/items").body)
    assert [item["output"]["id"] for item in listed["items"]] == LARGE


def test_infinity_in_a_file_of_an_older_version_is_null_in_answers(product: Product):
    run_id = product.run(probe([{}]))["run_id"]
    runs = product.blobs.get_container_client("runs")
    (part,) = [name for name in product.blobs_of(run_id) if "/parts/" in name]
    blob = runs.download_blob(part)
    content, metadata = blob.readall(), blob.properties.metadata
    assert content.count(b'"attempt":1') == 1
    content = content.replace(b'"attempt":1', b'"attempt":Infinity')
    metadata |= {DIGEST: digest_of(part, content)}
    runs.upload_blob(part, content, overwrite=True, metadata=metadata)
    (item,) = strict(product.host.get(f"/api/runs/{run_id}/items").body)["items"]
    assert item["output"]["attempt"] is None


def test_a_text_in_the_request_is_a_source_like_any_other(product: Product):
    table = "n,text\n1,a\n2,b,c\n3,d\n"
    source = {"kind": "text", "text": table, "read": "csv"}
    asked = sums(product) | {"source": source, "tolerance": {"count": 1}}
    status = product.run(asked | {"batch": {"max_items": 2}})
    assert (status["outcome"], status["items"]["failed"]) == ("partially_succeeded", 1)
    assert product.file(status["run_id"], "sum.json").json["sum"] == 4
    (failed,) = [o for o in product.outcomes(status["run_id"]) if o.status == "failed"]
    assert failed.error and "line 3: the header has 2 columns" in failed.error.message
    assert "text" not in product.status(status["run_id"])
    refused = problem(product.post(asked | {"parameters": {"column": "m"}}), 400)
    assert "parameters.column" in refused
    refused = problem(product.post(asked | {"source": source | {"text": "n,n\n"}}), 400)
    assert "more than once" in refused["source.text"]
    assert problem(product.post(asked | {"source": source | {"base64": ""}}), 400).keys() == {
        "source"
    }


def test_a_text_is_tried_dry_redriven_and_undone(product: Product):
    lines = '{"id": 1, "good": 2}\n{"id": 2}\nno json\n{"id": 3, "ending": "permanent"}\n'
    request: dict[str, Any] = {
        "workload": "probe",
        "source": {"kind": "text", "text": lines, "read": "jsonl"},
        "batch": {"max_items": 2},
        "tolerance": {"percentage": 100},
        **ONCE,
    }
    dry = product.post(request | {"dry_run": True}).json
    assert (dry["items"], dry["first_items"][1]) == (4, {"id": 2})
    assert "line 3" in dry["first_items"][2]["error"]
    run_id = product.run(request)["run_id"]
    status = redrive_to_end(product, run_id, {"retry": {"max_attempts": 3, "base_seconds": 0.01}})
    assert (status["items"]["succeeded"], status["items"]["failed"]) == (2, 2)
    undone = product.run(request | {"tolerance": {}, "on_exceeded": "compensate"})
    assert undone["outcome"] == "compensated"
