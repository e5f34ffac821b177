"""The Durable SDK's own client, unmodified, talks to this host."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parents[1] / "apps" / "client_app"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    folder = tmp_path_factory.mktemp("host")
    environment = {"HUB": "ClientHub", "FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
    with running(APP, folder, "--no-stack", environment=environment) as started:
        yield started


def _post(host: HostProcess, path: str, value: object) -> Answer:
    return host.request("POST", path, json.dumps(value).encode())


def test_an_http_function_starts_an_orchestration_and_waits_for_it(host: HostProcess) -> None:
    answer = _post(host, "/wait/double_all", [1, 2, 3])
    assert (answer.status, answer.json) == (200, [2, 4, 6])


def test_the_check_status_response_leads_to_the_instance(host: HostProcess) -> None:
    answer = _post(host, "/start/double_all", [4])
    assert answer.status == 202
    url = urlsplit(answer.json["statusQueryGetUri"])
    assert url.port == host.port
    assert "taskHub=ClientHub" in url.query
    status = host.get(f"{url.path}?{url.query}").json
    assert (status["name"], status["instanceId"]) == ("double_all", answer.json["id"])


def test_an_activity_may_have_a_client_too(host: HostProcess) -> None:
    answer = _post(host, "/wait/ask_status", None)
    assert (answer.status, answer.body) == (200, b"OrchestrationRuntimeStatus.Running")


def test_an_activity_whose_worker_died_is_run_again(host: HostProcess, tmp_path: Path) -> None:
    answer = _post(host, "/wait/die_once", str(tmp_path / "marker"))
    assert (answer.status, answer.body) == (200, b"survived")
    assert "exited with code 3 while it ran" in host.log
