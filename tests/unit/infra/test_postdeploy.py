"""After a deployment: health, the inbox, a run, and what is printed, which has no key in it."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fanout.naming import functions
from infra.scripts import app_keys, inbox, postdeploy, smoke
from infra.scripts.environment import Environment, SettingError
from infra.scripts.programs import ProgramError
from tests.support.azure_programs.programs import Programs

KEY = "a-key-of-functions"
BLOBS_KEY = "a-key-of-blobs"
KEYS = {"functionKeys": {"default": KEY}, "systemKeys": {"blobs_extension": BLOBS_KEY}}
GROUP = "/subscriptions/s/resourceGroups/rg-staging"
SUBSCRIPTION = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/topic/eventSubscriptions/"
INBOX = {"FANOUT_INBOX": "true", "FANOUT_INBOX_TOPIC": "topic"}
TOPICS = r"--method get .*systemTopics\?"
SITE = r"--method get .*sites/func-x\?"
ACCOUNT = "providers/Microsoft.Storage/storageAccounts/"
CLIENT = {"FANOUT_AUTH_CLIENT_ID": "client"}


class App(ThreadingHTTPServer):
    """Stands for the app: it answers as laid down, in turn, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.answers: dict[str, list[tuple[int, Any]]] = {
            "GET /api/health": [(200, {"status": "ok"})],
            "GET /api/workloads": [(200, {"workloads": [{"name": "reports"}]})],
            "POST /api/runs": [(202, {})],
            "GET /api/runs/*": [(200, {"outcome": None}), (200, {"outcome": "succeeded"})],
            "DELETE /api/runs/*": [(204, None)],
        }

    def of(self, method: str) -> list[tuple[str, str, Any, dict[str, str]]]:
        return [each for each in self.asked if each[0] == method]

    def take(self, line: str) -> tuple[int, Any]:
        turns = self.answers[line]
        return turns.pop(0) if len(turns) > 1 else turns[0]


class Handler(BaseHTTPRequestHandler):
    server: App

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = (self.command, self.path, json.loads(body) if body else None, headers)
        self.server.asked.append(asked)
        path = self.path.rpartition("/")[0] + "/*" if "/runs/" in self.path else self.path
        status, answer = self.server.take(f"{self.command} {path}")
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def app() -> Iterator[App]:
    server = App()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def azure(programs: Programs) -> Programs:
    """An app that has all its keys, and a topic that takes subscriptions."""
    programs.answer(TOPICS, {"value": []})
    programs.answer(SITE, {"properties": {"state": "Running"}})
    programs.answer("listKeys", KEYS)
    programs.answer("--method put .*eventSubscriptions", {})
    programs.answer(
        "--method get .*eventSubscriptions", {"properties": {"provisioningState": "Succeeded"}}
    )
    programs.answer("get-access-token --resource api://client", {"accessToken": "a-token"})
    return programs


def values(app: App | None = None, **more: str) -> dict[str, str]:
    return {
        "AZURE_ENV_NAME": "staging",
        "AZURE_FUNCTION_NAME": "func-x",
        "AZURE_RESOURCE_GROUP": "rg-staging",
        "AZURE_SUBSCRIPTION_ID": "s",
        "FANOUT_DATA_STORAGE": "stdata",
        "FANOUT_URL": app.url if app else "https://func-x.azurewebsites.net",
        **more,
    }


def environment(**more: str) -> Environment:
    return Environment.read(values(**more))


def test_an_app_that_works_is_said_to_and_where_it_is(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    assert postdeploy.finish(values(app)) == []
    printed = capsys.readouterr().out
    assert f"App:       {app.url}\n" in printed
    assert f"Dashboard: {app.url}/api/dashboard\n" in printed
    assert "Smoke run: three rows" in printed
    assert "az functionapp keys list --resource-group rg-staging --name func-x" in printed


def test_no_key_is_printed_and_none_is_on_a_command_line(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    assert postdeploy.finish(values(app, **INBOX)) == []
    said = capsys.readouterr()
    lines = "\n".join(each.line for each in azure.calls())
    for secret in (KEY, BLOBS_KEY):
        assert secret not in said.out + said.err + lines
    assert all(KEY not in path for _, path, _, _ in app.asked)


def test_the_run_is_started_with_the_key_waited_for_and_deleted(azure: Programs, app: App):
    postdeploy.finish(values(app))
    ((_, _, request, headers),) = app.of("POST")
    assert headers["x-functions-key"] == KEY
    ((_, deleted, _, _),) = app.of("DELETE")
    assert deleted == f"/api/runs/{request['run_id']}"
    assert len([each for each in app.of("GET") if "/runs/" in each[1]]) == 2


def test_where_callers_sign_in_the_run_is_started_with_a_token(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    assert postdeploy.finish(values(app, **CLIENT)) == []
    ((_, _, _, headers),) = app.of("POST")
    assert headers["authorization"] == "Bearer a-token"
    assert "x-functions-key" not in headers
    printed = capsys.readouterr().out
    assert f"{app.url}/.auth/login/aad" in printed
    assert "a-token" not in printed
    assert azure.calls("listKeys") == []


def test_who_deploys_and_has_no_role_is_told_and_the_deployment_stands(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    app.answers["GET /api/workloads"] = [(403, {})]
    assert postdeploy.finish(values(app, **CLIENT)) == []
    assert "lack a role" in capsys.readouterr().out
    app.answers["GET /api/workloads"] = [(200, ["reports"])]
    app.answers["POST /api/runs"] = [(403, {})]
    assert postdeploy.finish(values(app, **CLIENT)) == []
    assert "Fanout.Operator" in capsys.readouterr().out


def test_an_app_without_the_workload_is_not_asked_to_run_it(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    app.answers["GET /api/workloads"] = [(200, {"workloads": [{"name": "ours"}]})]
    assert postdeploy.finish(values(app)) == []
    assert app.of("POST") == []
    assert "no workload reports" in capsys.readouterr().out


def test_the_run_may_be_left_out(azure: Programs, app: App):
    assert postdeploy.finish(values(app, FANOUT_SMOKE_RUN="false")) == []
    assert [path for _, path, _, _ in app.asked] == ["/api/health"]


def test_a_run_that_fails_is_a_fault_and_left_to_be_looked_at(azure: Programs, app: App):
    app.answers["GET /api/runs/*"] = [(200, {"outcome": "failed"})]
    (fault,) = postdeploy.finish(values(app))
    assert "failed" in fault
    assert app.of("DELETE") == []


def test_a_run_that_does_not_end_is_a_fault(
    azure: Programs, app: App, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(smoke, "RUN_SECONDS", 0.0)
    app.answers["GET /api/runs/*"] = [(200, {"outcome": None})]
    (fault,) = postdeploy.finish(values(app))
    assert "no end" in fault


def test_an_app_that_is_starting_is_waited_for(azure: Programs, app: App):
    app.answers["GET /api/health"] = [(503, {}), (502, "<html>"), (200, {})]
    assert postdeploy.finish(values(app)) == []
    assert len([each for each in app.asked if each[1] == "/api/health"]) == 3


def test_an_app_that_stays_down_is_a_fault_and_nothing_is_run_on_it(
    azure: Programs, app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(smoke, "HEALTH_SECONDS", 0.0)
    app.answers["GET /api/health"] = [(503, {"status": "down"})]
    (fault,) = postdeploy.finish(values(app))
    assert "503" in fault
    # azure-dev#8538: what was built for another Python starts no worker.
    assert "the build names Python 3.13" in fault
    assert "azd env set FANOUT_PYTHON_VERSION 3.11" in fault
    assert app.of("POST") == []
    assert "Dashboard:" in capsys.readouterr().out


def test_an_app_that_nobody_reaches_is_a_fault(azure: Programs, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(smoke, "HEALTH_SECONDS", 0.0)
    (fault,) = postdeploy.finish(values(FANOUT_URL="http://127.0.0.1:9"))
    assert "not well" in fault


def test_without_az_the_health_is_asked_for_and_the_run_is_not_tried(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    azure.refuse("listKeys", "Please run 'az login'")
    assert postdeploy.finish(values(app)) == []
    assert "not tried: az rest failed: Please run 'az login'" in capsys.readouterr().out


@pytest.mark.parametrize("status", [404, 500, 502, 503, 504])
def test_an_app_that_does_not_list_its_workloads_is_a_fault(
    azure: Programs, app: App, monkeypatch: pytest.MonkeyPatch, status: int
):
    monkeypatch.setattr(smoke, "READY_SECONDS", 0.0)
    app.answers["GET /api/workloads"] = [(status, {"error": "broken"})]
    (fault,) = postdeploy.finish(values(app))
    assert f"The smoke run failed: the workloads are not listed: {status}" in fault
    assert app.of("POST") == []


def test_a_gateway_that_has_no_app_yet_is_asked_again(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    workloads = (200, {"workloads": [{"name": "reports"}]})
    app.answers["GET /api/workloads"] = [(502, "<html>"), (503, {}), (504, {}), workloads]
    assert postdeploy.finish(values(app)) == []
    assert "three rows" in capsys.readouterr().out


@pytest.mark.parametrize("keys", [{"functionKeys": {}}, {"functionKeys": None}, {}, None])
def test_an_app_that_has_no_key_is_told_of_without_a_traceback(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str], keys: Any
):
    azure.answer("listKeys", keys)
    assert postdeploy.finish(values(app)) == []
    assert "Smoke run: not tried: Azure answered without default" in capsys.readouterr().out


def test_a_token_that_does_not_come_is_told_of_without_a_traceback(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    azure.answer("get-access-token", None)
    assert postdeploy.finish(values(app, **CLIENT)) == []
    assert "not tried: Azure answered without accessToken" in capsys.readouterr().out


def test_a_subscription_that_azure_says_nothing_of_is_a_fault(
    azure: Programs, app: App, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inbox, "MAX_SECONDS", 0.0)
    azure.answer("--method get .*eventSubscriptions", {})
    (fault,) = postdeploy.finish(values(app, **INBOX))
    assert "stays None" in fault


def test_a_connection_that_breaks_off_is_no_answer():
    """Stands for an app that is replaced in the middle of an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=cut_off, args=(server,))
        thread.start()
        answer = smoke.Api(f"http://127.0.0.1:{server.getsockname()[1]}", {}).call("GET", "health")
        thread.join()
    assert answer.status == 0


def cut_off(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def test_a_stopped_app_is_not_asked_and_the_deployment_stands(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    azure.answer(SITE, {"properties": {"state": "Stopped"}})
    assert postdeploy.finish(values(app, **INBOX)) == []
    assert app.asked == []
    assert azure.calls("--method put") == []
    printed = capsys.readouterr().out
    assert "Health:    not checked, nor is anything else: the app is stopped.\n" in printed
    assert "azd hooks run postdeploy" in printed
    assert "Dashboard:" in printed


def topic(name: str, account: str) -> dict[str, Any]:
    source = f"{GROUP}/{ACCOUNT}{account}"
    return {"name": name, "properties": {"source": source}}


def test_an_inbox_that_is_turned_off_is_not_subscribed_to_any_more(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    azure.answer(TOPICS, {"value": [topic("theirs", "stother"), topic("evgt-x", "STDATA")]})
    azure.answer(r"--method get .*eventSubscriptions\?", {"value": [{"name": "fanout-inbox"}]})
    azure.answer("--method delete", None)
    assert postdeploy.finish(values(app)) == []
    (deleted,) = azure.calls("--method delete")
    assert "systemTopics/evgt-x/eventSubscriptions/fanout-inbox?api-version=" in deleted.line
    assert "not subscribed to evgt-x any more" in capsys.readouterr().out


def test_subscriptions_of_others_stay(azure: Programs, app: App):
    azure.answer(TOPICS, {"value": [topic("evgt-x", "stdata")]})
    azure.answer(r"--method get .*eventSubscriptions\?", {"value": [{"name": "theirs"}]})
    assert postdeploy.finish(values(app)) == []
    assert azure.calls("--method delete") == []


def test_an_inbox_that_nobody_can_ask_for_is_told_of(
    azure: Programs, app: App, capsys: pytest.CaptureFixture[str]
):
    azure.refuse(TOPICS, "AuthorizationFailed")
    assert postdeploy.finish(values(app)) == []
    assert "whether a subscription is left is not known" in capsys.readouterr().out


def test_the_inbox_is_subscribed_to_with_what_the_app_registers(azure: Programs):
    assert inbox.subscribe(environment(**INBOX)) == "topic"
    (put,) = azure.calls("--method put")
    assert f"{SUBSCRIPTION}fanout-inbox?api-version=" in put.line
    assert put.body["properties"] == {
        "destination": {
            "endpointType": "WebHook",
            "properties": {
                "endpointUrl": "https://func-x.azurewebsites.net/runtime/webhooks/blobs"
                f"?functionName=Host.Functions.{functions.START_RUN_OVER_BLOB}&code={BLOBS_KEY}"
            },
        },
        "filter": {
            "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
            "subjectBeginsWith": "/blobServices/default/containers/inbox/",
        },
    }


def test_the_subscription_has_one_name_so_a_second_deployment_makes_no_second(azure: Programs):
    for _ in range(2):
        inbox.subscribe(environment(**INBOX))
    puts = azure.calls("--method put")
    assert len(puts) == 2
    assert len({each.arguments[each.arguments.index("--url") + 1] for each in puts}) == 1


def test_the_key_is_waited_for_until_the_host_has_made_it(azure: Programs):
    azure.answer("listKeys", {"systemKeys": None}, {"systemKeys": {}}, KEYS)
    inbox.subscribe(environment(**INBOX))
    assert len(azure.calls("listKeys")) == 3


def test_a_key_that_does_not_come_is_a_fault(
    azure: Programs, app: App, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(app_keys, "MAX_SECONDS", 0.0)
    azure.answer("listKeys", {"functionKeys": {"default": KEY}})
    (fault,) = postdeploy.finish(values(app, **INBOX))
    assert "blobs_extension" in fault


def test_an_app_that_does_not_answer_event_grid_at_once_is_given_time(azure: Programs):
    azure.refuse("--method put", "Webhook validation handshake failed", {})
    states = ({"properties": {"provisioningState": state}} for state in ("Creating", "Succeeded"))
    azure.answer("--method get .*eventSubscriptions", *states)
    inbox.subscribe(environment(**INBOX))
    assert len(azure.calls("--method put")) == 2
    assert len(azure.calls("--method get")) == 2


def test_a_subscription_that_fails_for_good_is_a_fault_without_the_key(azure: Programs, app: App):
    azure.refuse("--method put", f"The endpoint {app.url}?code={BLOBS_KEY} is not valid")
    (fault,) = postdeploy.finish(values(app, **INBOX))
    assert "The inbox is not subscribed" in fault
    assert BLOBS_KEY not in fault
    assert len(azure.calls("--method put")) == inbox.TRIES


def test_an_inbox_without_a_topic_is_told_what_comes_before(azure: Programs):
    with pytest.raises(ProgramError, match="azd provision"):
        inbox.subscribe(environment(FANOUT_INBOX="true"))


def test_without_an_inbox_nothing_is_subscribed(azure: Programs, app: App):
    postdeploy.finish(values(app, FANOUT_INBOX_TOPIC="topic"))
    assert azure.calls("eventSubscriptions") == []


def test_the_scheduler_has_a_dashboard_of_its_own():
    on = Environment.read(values(FANOUT_DURABLE_BACKEND="DurableTaskScheduler"))
    assert any("https://dashboard.durabletask.io" in line for line in postdeploy.addresses(on))
    assert not any("durabletask" in line for line in postdeploy.addresses(environment()))


def test_before_a_deployment_there_is_nothing_to_finish(azure: Programs):
    with pytest.raises(SettingError, match="azd provision"):
        postdeploy.finish({"AZURE_ENV_NAME": "staging"})


def test_the_hook_fails_where_something_is_wrong(
    azure: Programs,
    app: App,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    for name, value in values(app).items():
        monkeypatch.setenv(name, value)
    assert postdeploy.main([]) == 0
    app.answers["GET /api/runs/*"] = [(200, {"outcome": "failed"})]
    assert postdeploy.main([]) == 1
    assert "The smoke run failed" in capsys.readouterr().err
