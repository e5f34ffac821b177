"""What host.json limits, and retry policies of timers."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import HostProcess, launch, running

APP = Path(__file__).parent / "apps" / "limits_app"
DEADLINE_SECONDS = 20
TIMED_OUT = "Timeout value of 00:00:01 was exceeded by function: Functions."


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack") as started:
        yield started


def _until(holds: Callable[[], bool], host: HostProcess) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, host.log
        time.sleep(0.02)


def _run(host: HostProcess, name: str, value: object = None) -> dict[str, Any]:
    """Run an orchestration to its end and return its status."""
    path = f"/runtime/webhooks/durabletask/orchestrators/{name}"
    instance = host.request("POST", path, json.dumps(value).encode()).json["id"]
    status: dict[str, Any] = {}

    def is_over() -> bool:
        nonlocal status
        status = host.get(f"/runtime/webhooks/durabletask/instances/{instance}").json
        return status["runtimeStatus"] not in ("Pending", "Running")

    _until(is_over, host)
    return status


def test_an_http_call_over_the_limit_is_500_and_the_log_says_why(host: HostProcess) -> None:
    began = time.monotonic()
    answer = host.get("/api/stick/1.5")
    assert (answer.status, answer.body) == (500, b"")
    assert 1 <= time.monotonic() - began < 1.5
    assert "Timeout value of 00:00:01 exceeded by function 'Functions.stick' (Id: '" in host.log
    assert TIMED_OUT + "stick" in host.log


@pytest.mark.parametrize("activity", ["nap", "nap_async"])
def test_an_activity_over_the_limit_fails_with_the_hosts_message(
    host: HostProcess, activity: str
) -> None:
    assert _run(host, "naps", {"activity": activity, "seconds": 0.1})["output"] == 0.1
    status = _run(host, "naps", {"activity": activity, "seconds": 1.4})
    assert status["runtimeStatus"] == "Failed"
    assert TIMED_OUT + activity in status["output"]


def test_an_orchestrator_that_hangs_fails_with_the_hosts_message(host: HostProcess) -> None:
    status = _run(host, "spins")
    assert status["runtimeStatus"] == "Failed"
    assert TIMED_OUT + "spins" in status["output"]


def test_a_worker_outlives_a_late_call_but_not_a_stuck_one(tmp_path: Path) -> None:
    with running(APP, tmp_path, "--no-stack") as host:
        before = host.get("/api/pid").body
        assert _run(host, "naps", {"activity": "nap", "seconds": 1.4})["runtimeStatus"] == "Failed"
        _until(lambda: "woke up" in host.log, host)
        assert host.get("/api/pid").body == before
        assert host.get("/api/stick/600").status == 500
        _until(lambda: host.get("/api/pid").body != before, host)
        assert "is stuck in a call; replacing it." in host.log
        assert host.get("/api/stick/0").body == b"unstuck"
        assert host.stop() == 0


def test_only_the_listed_functions_are_served(host: HostProcess) -> None:
    assert host.get("/api/unlisted").status == 404
    assert "unlisted" not in host.banner
    assert host.get("/admin/functions/unlisted").status == 404
    assert host.get("/api/pid").status == 200


def test_the_list_of_functions_can_be_a_setting_as_core_tools_makes_it(tmp_path: Path) -> None:
    environment = {"AzureFunctionsJobHost__functions__0": "SEE"}
    with running(APP.parent / "http_app", tmp_path, "--no-stack", environment=environment) as host:
        assert [one["name"] for one in host.get("/admin/functions").json] == ["see"]
        assert host.get("/api/see").status == 200


def test_a_failed_timer_is_tried_again_and_told_so(host: HostProcess) -> None:
    _until(lambda: "went well after: ValueError: not yet 2" in host.log, host)
    for count in range(3):
        assert f"try {count} of 3" in host.log
    assert "try 3 of 3" not in host.log


def test_a_timer_is_given_up_after_its_last_retry(host: HostProcess) -> None:
    _until(lambda: host.log.count("timer gives_up failed: ValueError: never") == 2, host)
    assert host.log.count("timer gives_up is tried again") == 1


def test_a_retry_policy_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        '@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="t")\n'
        '@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="soon")\n'
        "def tick(t): ...\n"
    )
    process, log = launch(tmp_path, tmp_path, "--no-stack")
    with process:
        assert process.wait(timeout=DEADLINE_SECONDS) == 1
    assert (
        "Function 'tick' cannot be loaded: its retry policy: delay_interval is 'soon', which"
        in log.read_text()
    )
