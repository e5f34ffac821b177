"""Runs from request to results, over HTTP."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.hosts.product import Product, fresh_id
from tests.support.hosts.product_calls import AT_ONCE, probe, problem, sums
from tests.support.hosts.running_product import MAX_REQUEST_BYTES


def test_a_table_is_summed_in_source_order_whatever_the_batches(product: Product):
    status = product.run(sums(product, batch={"max_items": 2}, concurrency={"batches": 32}))
    assert status["outcome"] == "succeeded"
    assert status["items"]["succeeded"] == status["items"]["total"] == 5
    assert status["partitions"] == {"total": 2, "done": 2}
    assert product.file(status["run_id"], "sum.json").json == {"sum": 15, "began": [0, 2, 4]}


def test_a_started_run_says_where_to_look(product: Product):
    answer = product.post(probe([{}]))
    run_id = answer.json["run_id"]
    assert answer.status == 202
    assert re.fullmatch(r"probe-\d{8}T\d{6}-[0-9a-f]{8}", run_id)
    assert answer.header("location") == answer.json["status_url"]
    assert answer.json["status_url"].endswith(f"/api/runs/{run_id}")
    assert answer.json["results_url"] == answer.json["status_url"] + "/results"
    assert int(answer.header("retry-after") or 0) > 0
    assert "statusQueryGetUri" not in answer.json
    assert product.done(run_id)["outcome"] == "succeeded"


def test_every_item_is_accounted_for_within_the_tolerance(product: Product):
    items = [{}, {"good": 2}, {"ending": "permanent"}, {"ending": "crash"}, {"ending": "no-json"}]
    policy = AT_ONCE | {"max_attempts": 3}
    request = probe(items * 4, retry=policy, tolerance={"percentage": 60}, batch={"max_items": 3})
    status = product.run(request)
    assert status["outcome"] == "partially_succeeded"
    counts = {"total": 20, "succeeded": 8, "failed": 12, "pending": 0}
    assert status["items"] == counts | {"compensated": 0, "compensation_failed": 0}
    assert status["retries"] == 4 * (1 + 2)
    outcomes = {o.index: (o.status, o.attempts) for o in product.outcomes(status["run_id"])}
    expected = [("succeeded", 1), ("succeeded", 2), ("failed", 1), ("failed", 3), ("failed", 1)]
    assert outcomes == dict(enumerate(expected * 4))
    kinds = {error["type"]: error["count"] for error in status["errors"]}
    assert kinds == {"PermanentError": 4, "ZeroDivisionError": 4, "OutputError": 4}


def test_a_row_that_does_not_parse_fails_with_its_line_and_the_run_goes_on(product: Product):
    table = b'n,text\n1,a\n2,b,c\n"3","d\nd"\nfour,e\n5,f\n'
    request = sums(product, table, tolerance={"count": 2}, batch={"max_items": 2})
    status = product.run(request)
    assert (status["outcome"], status["items"]["failed"]) == ("partially_succeeded", 2)
    failed = [o for o in product.outcomes(status["run_id"]) if o.status == "failed"]
    messages = {o.index: o.error.message for o in failed if o.error}
    assert "line 3" in messages[1] and "line 6" in messages[3]
    assert product.file(status["run_id"], "sum.json").json["sum"] == 9


def test_failures_beyond_the_tolerance_stop_the_run_and_leave_the_rest_pending(product: Product):
    items = [{"ending": "permanent"}] + [{}] * 399
    one_by_one = {"batch": {"max_items": 1}, "concurrency": {"batches": 1}}
    status = product.run(probe(items, **one_by_one))
    counts = status["items"]
    assert status["outcome"] == "failed"
    assert "1 of 400 items failed" in status["error"]
    assert counts["pending"] > 0
    assert counts["succeeded"] + counts["failed"] + counts["pending"] == counts["total"] == 400
    pending = [o for o in product.outcomes(status["run_id"]) if o.status == "pending"]
    assert sum(o.count for o in pending) == counts["pending"]


def test_a_run_over_nothing_succeeds(product: Product):
    for request in (probe([]), sums(product, b"n,text\n")):
        status = product.run(request)
        assert (status["outcome"], status["items"]["total"]) == ("succeeded", 0)


def test_the_manifest_lists_every_file_with_size_count_and_md5(product: Product):
    status = product.run(sums(product))
    manifest = product.results(status["run_id"])
    assert {"sum.json", "SUCCEEDED-00000.jsonl"} == {file["name"] for file in manifest["files"]}
    for file in manifest["files"]:
        answer = product.host.get(urlsplit(file["url"]).path)
        assert len(answer.body) == file["size_bytes"]
        assert hashlib.md5(answer.body).hexdigest() == file["md5"]
        assert answer.header("content-type") == file["media_type"]
    assert manifest["items"] == status["items"]
    assert sum(f["count"] for f in manifest["files"] if f["name"].endswith("l")) == 5


def test_a_run_leaves_the_blobs_that_the_design_names(product: Product):
    asked = sums(product, run_id=fresh_id("layout"), batch={"max_items": 1000})
    run_id = product.run(asked)["run_id"]
    assert [name.removeprefix(f"{run_id}/") for name in product.blobs_of(run_id)] == [
        "parts/a1-p00000-r0-b0000.jsonl",
        "parts/a1-p00000-r0-b0000.partial.json",
        "plan/manifest.json",
        "request.json",
        "results/SUCCEEDED-00000.jsonl",
        "results/manifest.json",
        "results/sum.json",
        "summary.json",
    ]


@pytest.mark.parametrize("kind", ["inline", "jsonl"])
def test_items_come_from_the_request_or_from_lines_of_json(product: Product, kind: str):
    source: dict[str, Any] = {"kind": "inline", "items": [{"id": "a"}, {"id": "b"}]}
    if kind == "jsonl":
        source = product.source(b'{"id":"a"}\n\n{"id":"b"}', kind)
    status = product.run({"workload": "async-probe", "source": source})
    found = [(o.item_id, o.output["id"]) for o in product.outcomes(status["run_id"])]
    assert found == [("item-a", "a"), ("item-b", "b")]


def test_max_items_takes_the_first_ones(product: Product):
    status = product.run(sums(product, max_items=3))
    assert status["items"]["total"] == 3
    assert product.file(status["run_id"], "sum.json").json["sum"] == 6


def test_the_same_request_again_is_the_same_run(product: Product):
    request = probe([{}], run_id=fresh_id("again"))
    first = product.post(request)
    running = product.post(request)
    product.done(request["run_id"])
    finished = product.post(request)
    assert (first.status, finished.status) == (202, 200)
    assert running.status in (200, 202)
    assert first.json == running.json == finished.json


def test_another_request_under_the_same_id_is_refused(product: Product):
    run_id = fresh_id("taken")
    product.run(probe([{}], run_id=run_id))
    other = product.post(probe([{}, {}], run_id=run_id))
    assert problem(other, 409) == {}
    assert run_id in other.json["detail"]


def test_an_idempotency_key_stands_for_a_run_id(product: Product):
    request, key = sums(product), fresh_id("order 7")
    first = product.post(request, Idempotency_Key=key)
    product.done(first.json["run_id"])
    product.inbox.delete_blob(request["source"]["blob"])
    again = product.post(request, Idempotency_Key=key)
    assert (again.status, again.json) == (200, first.json)
    assert product.post(probe([{}]), Idempotency_Key=key).status == 409


def test_the_same_request_many_times_at_once_is_one_run(product: Product):
    request = probe([{}] * 20, run_id=fresh_id("stampede"))
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: product.post(request), range(24)))
    assert {answer.status for answer in answers} <= {200, 202}
    assert product.done(request["run_id"])["items"]["succeeded"] == 20


def test_a_claim_whose_run_never_started_is_completed_by_the_same_request(product: Product):
    orphan, model = fresh_id("orphan"), fresh_id("model")
    request = probe([{}], run_id=orphan)
    product.run(probe([{}], run_id=model))
    container = product.blobs.get_container_client("runs")
    claimed = json.loads(container.download_blob(f"{model}/request.json").readall())
    claimed["run_id"] = orphan
    container.upload_blob(f"{orphan}/request.json", json.dumps(claimed).encode())
    assert product.status(orphan)["status"] == "Pending"
    assert product.post(request).status == 202
    assert product.done(orphan)["outcome"] == "succeeded"


REFUSALS = [
    ({"workload": "nothing"}, "workload", "probe"),
    ({"source": {"kind": "xml"}}, "source.kind", "'csv'"),
    ({"source": {"kind": "csv", "container": "no-such", "blob": "x"}}, "source.blob", "exist"),
    ({"parameters": {"column": "m"}}, "parameters.column", "n, text"),
    ({"parameters": {"column": "n", "colour": 1}}, "parameters.colour", "not permitted"),
    ({"run_id": "a/b"}, "run_id", "pattern"),
    ({"run_id": ".."}, "run_id", "dots"),
    ({"run_id": "x" * 101}, "run_id", "pattern"),
]


@pytest.mark.parametrize(("change", "field", "says"), REFUSALS)
def test_a_bad_request_is_refused_by_field_and_starts_nothing(
    product: Product, change: dict[str, Any], field: str, says: str
):
    request = sums(product, run_id="refused") | change
    found = problem(product.post(request), 400)
    assert list(found) == [field]
    assert says in found[field]
    assert product.blobs_of("refused") == []
    assert product.host.get("/api/runs/refused").status == 404


def test_a_body_that_is_no_json_is_refused_with_the_place(product: Product):
    found = problem(product.post(b'{"workload": '), 400)
    assert "line 1 column 13" in found["body"]


def test_a_body_over_the_limit_is_refused(product: Product):
    answer = product.post(b" " * (MAX_REQUEST_BYTES + 1))
    assert problem(answer, 413) == {}
    assert str(MAX_REQUEST_BYTES) in answer.json["detail"]


@pytest.mark.parametrize("path", ["", "/results", "/results/report.json"])
def test_a_run_that_does_not_exist_is_not_found(product: Product, path: str):
    for run_id in ("nobody", "..%2Fnobody", "%E6%BC%A2"):
        problem(product.host.get(f"/api/runs/{run_id}{path}"), 404)


def test_results_are_there_only_when_the_run_is_over(product: Product):
    slow = AT_ONCE | {"base_seconds": 3, "max_seconds": 3, "max_attempts": 2}
    run_id = product.post(probe([{"good": 2}], retry=slow)).json["run_id"]
    product.until(run_id, lambda status: status["phase"] == "processing")
    answer = product.host.get(f"/api/runs/{run_id}/results")
    assert problem(answer, 409) == {}
    assert product.status(run_id)["items"]["pending"] == 1
    product.done(run_id)
    assert product.host.get(f"/api/runs/{run_id}/results").status == 200


@pytest.mark.parametrize("name", ["other.json", "..%2Frequest.json", "%2e%2e/request.json"])
def test_only_files_of_the_manifest_are_given_out(product: Product, name: str):
    run_id = product.run(sums(product))["run_id"]
    assert product.file(run_id, name).status == 404


def test_a_source_gone_before_the_run_begins_fails_it_with_the_reason(product: Product):
    gone, present = fresh_id("gone"), fresh_id("present")
    request = sums(product, run_id=gone)
    container = product.blobs.get_container_client("runs")
    product.run(request | {"run_id": present})
    claimed = json.loads(container.download_blob(f"{present}/request.json").readall())
    container.upload_blob(f"{gone}/request.json", json.dumps(claimed | {"run_id": gone}).encode())
    product.inbox.delete_blob(request["source"]["blob"])
    product.post(request)
    status = product.done(gone)
    assert (status["outcome"], status["items"]["total"]) == ("failed", 0)
    assert request["source"]["blob"] in status["error"]
    answer = product.host.get(f"/api/runs/{gone}/results")
    assert problem(answer, 409) == {}
    assert request["source"]["blob"] in answer.json["detail"]


def test_workloads_are_listed_with_their_schemas(product: Product):
    listed = product.host.get("/api/workloads").json["workloads"]
    assert {"probe", "reports", "sum"} <= {workload["name"] for workload in listed}
    one = product.host.get("/api/workloads/sum").json
    assert one in listed
    assert one["parameters"]["required"] == ["column"]
    problem(product.host.get("/api/workloads/nothing"), 404)


def test_health_names_each_dependency(product: Product):
    answer = product.host.get("/api/health")
    assert answer.status == 200
    assert (answer.json["status"], answer.json["dependencies"]) == (
        "up",
        {"storage": "up", "durable": "up"},
    )


def test_items_given_up_on_are_dead_letters_with_the_item_itself(product: Product):
    items = [{}, {"ending": "permanent"}, {}]
    run_id = product.run(probe(items, tolerance={"count": 1}))["run_id"]
    (letter,) = product.file(run_id, "DEAD-LETTERS-00000.jsonl").body.splitlines()
    told = json.loads(letter)
    assert told["item"] == {"id": 1, "ending": "permanent"}
    assert (told["item_id"], told["error"]["type"]) == ("item-1", "PermanentError")
