"""What an attacker would try, on a product that asks for a sign-in: refused, and told why."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from starters.api import endpoints
from starters.api.roles import Role
from tests.support.hostile.templates import ATTACKS, FIELDS, refused_templates
from tests.support.hosts.host_process import Answer
from tests.support.hosts.hosts import chosen
from tests.support.hosts.principals import principal
from tests.support.hosts.product import Product, fresh_id, new_container, pause_of
from tests.support.hosts.running_product import MAX_REQUEST_BYTES, product_on, shared_product

SECRET = b'{"id": "the secret of another team"}\n'
VICTIM = "VICTIM"


@pytest.fixture(scope="module")
def guarded(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product_on(
        storage,
        tmp_path_factory.mktemp("guarded"),
        FANOUT_RUNS_CONTAINER=new_container("guarded-runs"),
        FANOUT_SOURCE_CONTAINERS="inbox-*",
        FANOUT_SIGN_IN="true",
        FANOUT_MAX_UNCOMPRESSED_BYTES="1000000",
        FANOUT_SMTP="smtp://127.0.0.1:9",
        FANOUT_WEBHOOK_SECRET="of-a-test",
    ) as product:
        private = product.blobs.create_container("private")
        private.upload_blob("secret.jsonl", SECRET)
        yield product
        product.blobs.delete_container("private")


@pytest.fixture(scope="module")
def product(request: pytest.FixtureRequest) -> Product:
    """The guarded one; of a host that runs already that which is there."""
    found: Product = request.getfixturevalue("guarded" if chosen().origin is None else "shared")
    return found


@pytest.fixture(scope="module")
def shared(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with shared_product(storage, tmp_path_factory.mktemp("attacked")) as product:
        yield product


@pytest.fixture(scope="module")
def telling(product: Product) -> Product:
    """A product that has what webhooks take."""
    parameters = {"templates": {"webhook": {"body": "{}"}}}
    asked = {"workload": "notifications", "source": inline(), "parameters": parameters}
    answer = call(product, "POST", "/api/runs", asked | {"dry_run": True})
    if answer.status == 400 and b"FANOUT_WEBHOOK_SECRET" in answer.body:
        pytest.skip(f"{chosen().name} has no FANOUT_WEBHOOK_SECRET")
    return product


@pytest.fixture(scope="module")
def victim(product: Product) -> str:
    """A run of somebody."""
    run_id = fresh_id("victim")
    ended(product, {"workload": "probe", "run_id": run_id, "source": inline({"id": 1})})
    return run_id


def call(product: Product, method: str, path: str, body: Any = None, role: str = "Admin") -> Answer:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return product.host.request(method, path, data, principal(f"Fanout.{role}"))


def ended(product: Product, request: dict[str, Any]) -> dict[str, Any]:
    answer = call(product, "POST", "/api/runs", request)
    assert answer.status == 202, answer.body
    path, begun = f"/api/runs/{answer.json['run_id']}", time.monotonic()
    while (status := call(product, "GET", path).json)["phase"] != "done":
        time.sleep(pause_of(time.monotonic() - begun))
    return dict(status)


def inline(*items: Any) -> dict[str, Any]:
    return {"kind": "inline", "items": [*items]}


def fields(answer: Answer) -> list[str]:
    assert answer.status == 400, answer.body
    assert answer.header("content-type") == "application/problem+json"
    return [error["field"] for error in answer.json["errors"]]


# The roles


@pytest.mark.needs_settings
@pytest.mark.parametrize("endpoint", endpoints.ALL, ids=lambda one: one.function)
def test_each_endpoint_is_for_who_has_its_role_or_a_higher_one(
    endpoint: endpoints.Endpoint, guarded: Product
):
    path = "/api/" + endpoint.route.replace("{run_id}", "nobodys").replace("{*name}", "x")
    for role in Role:
        status = call(guarded, endpoint.method, path, role=role.name.title()).status
        assert (status == 403) == (endpoint.role is not None and role < endpoint.role)
        assert status != 401
    open_to_all = endpoint is endpoints.GET_HEALTH
    for headers in ({}, {"X-MS-CLIENT-PRINCIPAL": "e30="}, {"x-functions-key": "any"}):
        answer = guarded.host.request(endpoint.method, path, b"{}", headers)
        assert answer.status == (200 if open_to_all else 401)
    others = guarded.host.request(endpoint.method, path, b"{}", principal("Other.Admin"))
    assert others.status == (200 if open_to_all else 403)


def test_only_the_health_check_is_open_and_only_admins_delete():
    assert [e.function for e in endpoints.ALL if e.role is None] == ["get_health"]
    for_admins = [e.function for e in endpoints.ALL if e.role is Role.ADMIN]
    assert for_admins == ["delete_run", "rebuild_index", "get_diagnosis"]
    reads = [e for e in endpoints.ALL if e.method == "GET" and e.role]
    assert {e.function for e in reads if e.role is not Role.READER} == {"get_diagnosis"}


# Paths


@pytest.mark.parametrize(
    "run_id",
    ["..", ".", "../other", "a/b", "..%2f", "%2e%2e", "a%00b", "a%0d%0aX: y", "~index", "a b"],
)
def test_a_run_id_leads_nowhere_but_to_a_run(run_id: str, product: Product):
    quoted = run_id.replace("/", "%2F").replace(" ", "%20")
    for method, rest in (("GET", ""), ("GET", "/results"), ("GET", "/items"), ("DELETE", "")):
        assert call(product, method, f"/api/runs/{quoted}{rest}").status == 404
    request = {"workload": "probe", "run_id": run_id, "source": inline()}
    assert fields(call(product, "POST", "/api/runs", request)) == ["run_id"]


@pytest.mark.parametrize(
    "name",
    [
        "../request.json",
        "..%2Frequest.json",
        "%2e%2e/request.json",
        "files/../../request.json",
        "..%5crequest.json",
        f"../../{VICTIM}/request.json",
        "files/..",
        "./SUCCEEDED-00000.jsonl",
    ],
)
def test_the_name_of_a_result_leads_to_no_other_blob(name: str, product: Product, victim: str):
    answer = call(product, "GET", f"/api/runs/{victim}/results/{name.replace(VICTIM, victim)}")
    assert answer.status == 404
    assert b"probe" not in answer.body


@pytest.mark.parametrize("blob", ["../private/secret.jsonl", "a/../../private/secret.jsonl", "./x"])
def test_a_blob_name_with_dots_is_refused(blob: str, product: Product):
    source = {"kind": "jsonl", "container": product.inbox.container_name, "blob": blob}
    request = {"workload": "probe", "source": source}
    assert fields(call(product, "POST", "/api/runs", request)) == ["source.blob"]


def test_a_manifest_leads_to_no_blob_of_another_container(product: Product):
    names = b'"../private/secret.jsonl"\n{"name": "x/../../private/secret.jsonl"}\n'
    source, run_id = product.source(names, "manifest") | {"read": "jsonl"}, fresh_id("manifest")
    status = ended(product, {"workload": "probe", "run_id": run_id, "source": source})
    assert status["items"]["failed"] == status["items"]["total"] == 2
    items = call(product, "GET", f"/api/runs/{run_id}/items").json["items"]
    assert {item["error"]["type"] for item in items} == {"SourceBlobError"}
    assert b"another team" not in json.dumps(items).encode()


# Sources


@pytest.mark.needs_settings
@pytest.mark.parametrize("container", ["private", "its runs", "not-there"])
@pytest.mark.parametrize("named", ["container", "items_container"])
def test_a_container_outside_the_list_is_refused_whether_it_is_there_or_not(
    container: str, named: str, guarded: Product
):
    container = guarded.runs if container == "its runs" else container
    source = guarded.source(b'"secret.jsonl"\n', "manifest") | {"read": "jsonl", named: container}
    answer = call(guarded, "POST", "/api/runs", {"workload": "probe", "source": source})
    assert fields(answer) == [f"source.{named}"]
    reason = answer.json["errors"][0]["message"]
    assert reason.replace(container, "X") == (
        "the container 'X' is none that may be read (FANOUT_SOURCE_CONTAINERS)"
    )
    dry = {"workload": "probe", "source": source, "dry_run": True}
    assert fields(call(guarded, "POST", "/api/runs", dry)) == [f"source.{named}"]


@pytest.mark.needs_settings
def test_a_workload_reads_no_container_outside_the_list_either(guarded: Product):
    parameters = {
        "templates": {"sms": {"text": "hello"}},
        "suppression_list": {"container": "private", "blob": "secret.jsonl"},
    }
    request = {"workload": "notifications", "source": inline(), "parameters": parameters}
    assert "parameters.suppression_list.container" in fields(
        call(guarded, "POST", "/api/runs", request)
    )


# Sizes


def test_a_body_that_is_too_large_is_refused(product: Product):
    answer = call(product, "POST", "/api/runs", b" " * (MAX_REQUEST_BYTES + 1))
    assert answer.status == 413
    assert answer.json["type"] == "urn:fanout:problem:too-large"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_template_that_cannot_be_compiled_is_refused_by_its_field(
    dry_run: bool, telling: Product
):
    for attack in refused_templates():
        parameters = {"templates": {"webhook": {"body": attack.source}}}
        request = {"workload": "notifications", "source": inline(), "parameters": parameters}
        answer = call(telling, "POST", "/api/runs", request | {"dry_run": dry_run})
        assert fields(answer) == ["parameters.templates.webhook.body"], attack.name


def test_a_template_that_asks_for_too_much_fails_its_items_for_good(telling: Product):
    names = ("loops within", "texts double by ~", "center, the filter, of a constant")
    small = {name: FIELDS[name] for name in ("name", "word_text")}
    for number, name in enumerate(names):
        items = [{"id": "r1", "webhook": "https://example.org/", "fields": small}]
        request = {
            "workload": "notifications",
            "run_id": fresh_id(f"template-{number}"),
            "source": inline(*items),
            "parameters": {"templates": {"webhook": {"body": ATTACKS[name]}}},
        }
        (error,) = ended(telling, request)["errors"]
        assert (error["type"], error["count"]) == ("TemplateLimitError", 1), name


@pytest.mark.parametrize("depth", [65, 5000, 45_000])
def test_json_that_is_nested_too_deep_is_refused(depth: int, product: Product):
    body = b'{"workload": "probe", "parameters": ' + b'{"a":' * depth
    for text in (body + b"1" + b"}" * depth + b"}", b'{"a": ' + b"[" * depth + b"]" * depth + b"}"):
        if len(text) <= MAX_REQUEST_BYTES:
            assert fields(call(product, "POST", "/api/runs", text)) == ["body"]


@pytest.mark.needs_settings
def test_a_bomb_in_a_compressed_source_does_not_go_off(guarded: Product):
    bomb = gzip.compress(b'{"id": "%s"}\n' % (b"x" * 2_000_000))
    source = guarded.source(bomb, "jsonl") | {"compression": "gzip"}
    status = ended(guarded, {"workload": "probe", "run_id": "bomb", "source": source})
    assert status["outcome"] == "failed"
    assert "larger than 1000000 bytes uncompressed" in status["error"]
    dry = {"workload": "probe", "source": source, "dry_run": True}
    assert fields(call(guarded, "POST", "/api/runs", dry)) == ["source.blob"]


# What is written into files, mails and calls of others


def test_a_formula_in_a_cell_of_a_report_is_text(product: Product):
    rows = b'team,cost\n"=HYPERLINK(""http://evil.example"",""x"")",1\n+1+1,2\n@SUM(A1),3\n-2+3,4\n'
    run_id, parameters = fresh_id("report"), {"group_by": ["team"], "metrics": {"cost": ["sum"]}}
    request = {"workload": "reports", "run_id": run_id, "parameters": parameters}
    ended(product, request | {"source": product.source(rows)})
    answer = call(product, "GET", f"/api/runs/{run_id}/results/report.csv")
    cells = [line.split(",")[0].strip('"') for line in answer.body.decode().splitlines()[1:]]
    assert len(cells) == 4
    assert all(cell.startswith("'") for cell in cells), cells


@pytest.mark.needs_settings
def test_a_field_of_a_template_breaks_out_of_no_header(guarded: Product):
    items = [
        {"id": "r1", "email": "a@example.org", "fields": {"name": "x\r\nBcc: evil@example.org"}}
    ]
    templates = {"email": {"subject": "For {{ name }}", "text": "hello"}}
    request = {
        "workload": "notifications",
        "run_id": "headers",
        "source": inline(*items),
        "parameters": {"templates": templates, "sender": {"email": "me@example.org"}},
    }
    status = ended(guarded, request)
    assert status["items"]["failed"] == 1
    assert "no valid headers" in status["errors"][0]["message"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:80/",
        "http://169.254.169.254/metadata/instance",
        "http://[::1]/",
        "http://localhost/",
        "http://2130706433/",
        "http://10.0.0.1/",
    ],
)
def test_a_webhook_reaches_nothing_inside(address: str, telling: Product):
    assert failure_of_webhook(address, telling) == "PermanentError"


def test_a_webhook_that_is_no_address_of_the_web_is_refused_unread(telling: Product):
    assert failure_of_webhook("file:///etc/passwd", telling) == "ItemValidationError"


def failure_of_webhook(address: str, telling: Product) -> str:
    request = {
        "workload": "notifications",
        "source": inline({"id": "r1", "webhook": address}),
        "parameters": {"templates": {"webhook": {"body": "{}"}}},
    }
    status = ended(telling, request)
    assert status["items"]["failed"] == 1, status
    return str(status["errors"][0]["type"])


# What a browser does with the answers


def test_nothing_in_an_answer_is_carried_out(product: Product):
    run_id, parameters = fresh_id("report"), {"group_by": ["team"], "metrics": {"cost": ["sum"]}}
    request = {"workload": "reports", "run_id": run_id, "parameters": parameters}
    ended(product, request | {"source": product.source(b"team,cost\n<script>x</script>,1\n")})
    report = call(product, "GET", f"/api/runs/{run_id}/results/report.html")
    assert report.header("content-type") == "text/html; charset=utf-8"
    policy = str(report.header("content-security-policy"))
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert b"<script>x" not in report.body
    for answer in (report, call(product, "GET", "/api/runs"), call(product, "GET", "/api/runs/x")):
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "no-referrer"
        assert answer.header("cache-control") == "no-store"
        assert str(answer.header("content-security-policy")).startswith("default-src 'none'")
