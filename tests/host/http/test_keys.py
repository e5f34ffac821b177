"""With `--auth` keys are asked for as in Azure; without it nothing is."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.hosts.host_process import Answer, HostProcess, launch, running

APP = Path(__file__).parents[1] / "apps" / "keys_app"
WEBHOOK = "/runtime/webhooks/durabletask/instances"
HEADER = "x-functions-key"
DISABLED = {"AzureWebJobs.shut.Disabled": "true", "AzureWebJobs_shut_to_all_Disabled": "1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("host")


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[HostProcess]:
    with running(APP, folder, "--no-stack", "--auth", environment=DISABLED) as started:
        yield started


@pytest.fixture(scope="module")
def master(host: HostProcess, folder: Path) -> str:
    return str(json.loads((folder / "data" / "keys.json").read_text())["master"]["_master"])


def _ask(host: HostProcess, master: str, method: str, path: str, value: object = None) -> Answer:
    body = None if value is None else json.dumps(value).encode()
    return host.request(method, path, body, {HEADER: master})


def _key(host: HostProcess, master: str, path: str) -> str:
    return str(_ask(host, master, "GET", path).json["value"])


@pytest.fixture(scope="module")
def keys(host: HostProcess, master: str) -> dict[str, str | None]:
    return {
        "none": None,
        "wrong": "guessed",
        "master": master,
        "host": _key(host, master, "/admin/host/keys/default"),
        "system": _key(host, master, "/admin/host/systemkeys/durabletask_extension"),
        "own": _key(host, master, "/admin/functions/callers/keys/default"),
    }


OPENS = {
    "/api/anyone": {"none", "wrong", "master", "host", "system", "own"},
    "/api/callers": {"master", "host", "own"},
    "/api/others": {"master", "host"},
    "/api/owner": {"master"},
    WEBHOOK: {"master", "system"},
    "/admin/host/status": {"master"},
    "/admin/functions": {"master"},
    "/admin/host/keys": {"master"},
    "/api/shut": {"master"},
    "/api/shut/all": {"master"},
    "/admin/host/ping": {"none", "wrong", "master", "host", "system", "own"},
    "/": {"none", "wrong", "master", "host", "system", "own"},
}


# As the Functions host tells them apart: a key that it knows but that is not enough, and a function
# that is disabled.
OTHER_REFUSALS = {
    WEBHOOK: {403: {"host"}},
    "/admin/host/status": {403: {"host", "system"}},
    "/admin/functions": {403: {"host", "system"}},
    "/admin/host/keys": {403: {"host", "system"}},
    "/api/shut": {404: {"host"}},
    "/api/shut/all": {404: {"none", "wrong", "host", "system", "own"}},
    "/runtime/webhooks/none": {403: {"host", "system"}, 404: {"master"}},
}


def _expected(path: str, name: str) -> int:
    refusals = OTHER_REFUSALS.get(path, {})
    other = {one: status for status, names in refusals.items() for one in names}
    return 200 if name in OPENS.get(path, set()) else other.get(name, 401)


@pytest.mark.parametrize("path", [*OPENS, "/runtime/webhooks/none"])
@pytest.mark.parametrize("name", ["none", "wrong", "master", "host", "system", "own"])
def test_each_key_opens_what_it_is_for_and_nothing_else(
    host: HostProcess, keys: dict[str, str | None], path: str, name: str
) -> None:
    key = keys[name]
    by_header = host.request("GET", path, headers={} if key is None else {HEADER: key})
    by_query = host.get(path if key is None else f"{path}?code={key}")
    expected = _expected(path, name)
    assert (by_header.status, by_query.status) == (expected, expected)
    if expected != 200:
        assert (by_header.body, by_query.body) == (b"", b"")


def test_the_header_counts_before_the_query(host: HostProcess, master: str) -> None:
    assert host.request("GET", f"/api/owner?code={master}", headers={HEADER: "x"}).status == 401
    assert host.request("GET", "/api/owner?code=x", headers={HEADER: master}).status == 200


def test_the_urls_handed_out_open_the_instance(host: HostProcess) -> None:
    answer = host.get("/api/start")
    assert answer.status == 202
    for name in ("statusQueryGetUri", "purgeHistoryDeleteUri"):
        url = urlsplit(answer.json[name])
        assert host.get(f"{url.path}?{url.query}").status in (200, 202)
        assert host.get(url.path).status == 401


def test_a_key_of_another_extension_opens_no_webhook_of_durable(
    host: HostProcess, master: str
) -> None:
    key = _ask(host, master, "POST", "/admin/host/systemkeys/other_extension").json["value"]
    assert host.get(f"{WEBHOOK}?code={key}").status == 403
    assert host.get(f"/runtime/webhooks/other?code={key}").status == 404
    assert host.get("/runtime/webhooks/other").status == 401


def test_a_disabled_function_is_called_with_all_that_it_needs(
    host: HostProcess, master: str
) -> None:
    answer = host.get(f"/api/shut?code={master}")
    assert (answer.status, answer.body) == (200, b"made")
    assert host.get(f"/admin/functions/shut?code={master}").json["isDisabled"]


def test_an_unknown_path_is_404_whatever_the_key(host: HostProcess) -> None:
    assert host.get("/api/nowhere").status == 404


def test_keys_are_listed_made_replaced_and_deleted(host: HostProcess, master: str) -> None:
    path = "/admin/host/functionkeys/mine"
    made = _ask(host, master, "POST", path)
    assert (made.status, made.json["name"]) == (201, "mine")
    assert made.json["links"] == [{"rel": "self", "href": f"http://127.0.0.1:{host.port}{path}"}]
    key = made.json["value"]
    assert host.get(f"/api/callers?code={key}").status == 200
    assert {"name": "mine", "value": key} in _ask(host, master, "GET", "/admin/host/keys").json[
        "keys"
    ]
    rotated = _ask(host, master, "POST", path)
    assert rotated.status == 200
    assert rotated.json["value"] != key
    assert host.get(f"/api/callers?code={key}").status == 401
    chosen = _ask(host, master, "PUT", path, {"name": "mine", "value": "my own words"})
    assert (chosen.status, chosen.json["value"]) == (200, "my own words")
    assert _ask(host, master, "DELETE", path).status == 204
    assert _ask(host, master, "DELETE", path).status == 404
    assert _ask(host, master, "GET", path).status == 404


def test_a_function_has_keys_of_its_own(host: HostProcess, master: str) -> None:
    path = "/admin/functions/others/keys"
    assert [one["name"] for one in _ask(host, master, "GET", path).json["keys"]] == ["default"]
    key = _ask(host, master, "POST", f"{path}/second").json["value"]
    assert host.get(f"/api/others?code={key}").status == 200
    assert host.get(f"/api/callers?code={key}").status == 401
    assert _ask(host, master, "GET", "/admin/functions/nobody/keys").status == 404


def test_a_replaced_system_key_is_in_the_urls_at_once(host: HostProcess, master: str) -> None:
    path = "/admin/host/systemkeys/durabletask_extension"
    old = _key(host, master, path)
    new = _ask(host, master, "POST", path).json["value"]
    url = urlsplit(host.get("/api/start").json["statusQueryGetUri"])
    assert parse_qs(url.query)["code"] == [new]
    assert host.get(f"{WEBHOOK}?code={old}").status == 401
    assert host.get(f"{WEBHOOK}?code={new}").status == 200


@pytest.mark.parametrize(
    ("method", "path", "value", "status"),
    [
        ("PUT", "/admin/host/keys/mine", {}, 400),
        ("PUT", "/admin/host/keys/mine", {"value": None}, 400),
        ("DELETE", "/admin/host/keys/_master", None, 400),
        ("DELETE", "/admin/host/keys", None, 404),
        ("PATCH", "/admin/host/keys/default", None, 404),
        ("GET", "/admin/host/nokeys", None, 404),
        ("GET", "/admin/host/keys/a/b", None, 404),
    ],
)
def test_what_cannot_be_done_to_keys_is_refused(
    host: HostProcess, master: str, method: str, path: str, value: object, status: int
) -> None:
    assert _ask(host, master, method, path, value).status == status


def test_keys_outlive_the_host_and_the_master_key_can_be_replaced(tmp_path: Path) -> None:
    file = tmp_path / "data" / "keys.json"
    with running(APP, tmp_path, "--no-stack", "--auth") as first:
        old = json.loads(file.read_text())["master"]["_master"]
        new = _ask(first, old, "POST", "/admin/host/keys/_master").json["value"]
        assert _ask(first, old, "GET", "/admin/host/status").status == 401
    with running(APP, tmp_path, "--no-stack", "--auth") as second:
        assert _ask(second, new, "GET", "/admin/host/status").status == 200


def test_without_auth_no_key_is_asked_for_and_wrong_ones_are_passed_over(tmp_path: Path) -> None:
    with running(APP, tmp_path, "--no-stack", environment=DISABLED) as host:
        for path in OPENS:
            # Under Core Tools, whose callers are all admins, a disabled function can be called,
            # unless nobody looks at who calls.
            assert host.get(path).status == (404 if path == "/api/shut/all" else 200)
            assert host.get(f"{path}?code=wrong").status == 200
        url = urlsplit(host.get("/api/start").json["statusQueryGetUri"])
        assert parse_qs(url.query, keep_blank_values=True)["code"] == [""]


def test_a_broken_key_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "keys.json").write_text("{")
    process, log = launch(APP, tmp_path, "--no-stack", "--auth")
    with process:
        assert process.wait(timeout=20) == 1
    assert "Delete it to have new ones made" in log.read_text()
    assert "Traceback" not in log.read_text()
