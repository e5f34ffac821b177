"""At-least-once made visible: faults on demand, and orchestrations that end right all the same."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from fanout.adapters.blob import API_VERSION
from tests.support.hosts.host_process import HostProcess, launch, running

APP = Path(__file__).parent / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"


def faults(folder: Path, document: dict[str, Any]) -> tuple[str, str]:
    path = folder / "faults.json"
    path.write_text(json.dumps(document))
    return "--faults", str(path)


def finished(host: HostProcess, name: str, value: Any = None) -> Any:
    body = None if value is None else json.dumps(value).encode()
    path = f"{BASE}/orchestrators/{name}?timeout=60&pollingInterval=1"
    answer = host.request("POST", path, body)
    assert answer.status == 200, answer.body
    return answer.json


def counting(folder: Path, name: str) -> dict[str, Any]:
    """The input of `retries` that has its activity count in a file and succeed at once."""
    return {"file": str(folder / name), "times": 0, "attempts": 1}


def test_an_activity_delivered_twice_runs_twice_and_has_one_result(tmp_path):
    options = faults(tmp_path, {"activities": {"deliver_twice": 1.0}})
    with running(APP, tmp_path, "--no-stack", *options) as host:
        assert "Faults are on" in host.log and '"deliver_twice": 1.0' in host.log
        path = f"{BASE}/orchestrators/retries/twice?timeout=60&pollingInterval=1"
        body = json.dumps(counting(tmp_path, "tries")).encode()
        assert host.request("POST", path, body).json in (1, 2)
        assert finished(host, "all_of", {"n": 50}) == list(range(50))
        history = host.get(f"{BASE}/instances/twice?showHistory=true").json["historyEvents"]
        assert [event["EventType"] for event in history].count("TaskCompleted") == 1
        assert "Traceback" not in host.log
    assert len((tmp_path / "tries").read_text()) == 2


def test_torn_turns_repeat_activities_and_calls_of_entities_and_change_no_result(tmp_path):
    options = faults(tmp_path, {"turns": {"torn": 1.0, "again_ms": [200, 400]}})
    with running(APP, tmp_path, "--no-stack", *options) as host:
        assert finished(host, "retries", counting(tmp_path, "tries")) in (1, 2)
        assert finished(host, "all_of", {"n": 50}) == list(range(50))
        assert finished(host, "parent") == [7, 7]
        assert "boom" in finished(host, "catches")
        assert finished(host, "counts", {"key": "k"}) > 7
        assert "Traceback" not in host.log
    assert len((tmp_path / "tries").read_text()) == 2


def test_a_share_of_torn_turns_is_asked_for_without_a_file(tmp_path):
    with running(APP, tmp_path, "--no-stack", "--faults", "torn=0.2") as host:
        assert '"torn": 0.2' in host.log
        assert finished(host, "chain", {"value": 3}) == [3, 3]


def test_late_and_reordered_completions_change_no_result(tmp_path):
    options = faults(tmp_path, {"activities": {"delay_ms": [0, 80], "reorder": True}})
    with running(APP, tmp_path, "--no-stack", *options) as host:
        assert finished(host, "all_of", {"n": 60}) == list(range(60))
        assert finished(host, "parent") == [7, 7]


def test_a_result_that_dies_with_its_worker_has_the_activity_run_again(tmp_path):
    options = faults(tmp_path, {"workers": {"kill": {"after_activity": 1.0}}})
    with running(APP, tmp_path, "--no-stack", *options) as host:
        assert finished(host, "retries", counting(tmp_path, "tries")) == 2
        assert "is killed after fail_first" in host.log
    assert len((tmp_path / "tries").read_text()) == 2


def test_every_orchestration_ends_right_under_killed_workers(tmp_path):
    kill = {"before_activity": 0.03, "after_activity": 0.03}
    options = faults(tmp_path, {"seed": 5, "workers": {"kill": kill}})
    wanted = {
        "chain": ({"value": 3}, [3, 3]),
        "all_of": ({"n": 60}, list(range(60))),
        "parent": (None, [7, 7]),
        "catches": (None, None),
        "counts": ({"key": "k"}, 7),
        "sleeps": ({"seconds": 1}, None),
    }
    with (
        running(APP, tmp_path, "--no-stack", "--workers", "2", *options) as host,
        ThreadPoolExecutor(len(wanted)) as pool,
    ):
        runs = {name: pool.submit(finished, host, name, wanted[name][0]) for name in wanted}
        for name, (_, result) in wanted.items():
            found = runs[name].result()
            if result is not None:
                assert found == result, name
        assert "boom" in runs["catches"].result()
        assert runs["sleeps"].result() >= 1
        assert "was killed by SIGKILL" in host.log


def test_a_share_of_storage_calls_is_refused(tmp_path):
    options = faults(tmp_path, {"storage": {"fail": 1.0}})
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    with running(APP, tmp_path, *options, environment=settings):
        stack = json.loads((tmp_path / "data" / "stack.json").read_text())
        with BlobServiceClient.from_connection_string(
            stack["AzureWebJobsStorage"], api_version=API_VERSION, retry_total=0
        ) as client:
            with pytest.raises(HttpResponseError) as refused:
                client.create_container("refused")
            assert refused.value.status_code == 503


def test_storage_behind_the_proxy_works_when_nothing_is_refused(tmp_path):
    options = faults(tmp_path, {"seed": 1, "storage": {"fail": 0.0000001}})
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    with running(APP, tmp_path, *options, environment=settings):
        stack = json.loads((tmp_path / "data" / "stack.json").read_text())
        with BlobServiceClient.from_connection_string(
            stack["AzureWebJobsStorage"], api_version=API_VERSION
        ) as client:
            container = client.create_container("through")
            container.upload_blob("a b/ü.txt", b"data" * 1000)
            assert container.download_blob("a b/ü.txt").readall() == b"data" * 1000
            assert container.get_blob_client("a b/ü.txt").get_blob_properties().size == 4000


def test_a_broken_file_of_faults_stops_the_start(tmp_path):
    path = tmp_path / "faults.json"
    path.write_text('{"activities": {"deliver_twice": 2}}')
    process, log = launch(APP, tmp_path, "--no-stack", "--faults", str(path))
    assert process.wait(timeout=30) == 1
    assert process.stdout is not None
    process.stdout.close()
    assert "activities.deliver_twice" in log.read_text()


def test_a_share_that_is_none_stops_the_start(tmp_path):
    process, log = launch(APP, tmp_path, "--no-stack", "--faults", "torn=often")
    assert process.wait(timeout=30) == 1
    assert process.stdout is not None
    process.stdout.close()
    assert log.read_text() == "--faults torn=often: it takes a share from 0 to 1.\n"


@pytest.mark.parametrize(
    ("document", "options", "says"),
    [
        ({"workers": {"kill": {"after_activity": 1}}}, ["--workers", "0"], "workers.kill"),
        ({"storage": {"fail": 0.5}}, ["--no-stack"], "storage.fail"),
        ({"storage": {"fail": 0.5}}, [], "storage.fail"),
    ],
)
def test_faults_that_could_never_happen_stop_the_start(tmp_path, document, options, says):
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(document))
    process, log = launch(APP, tmp_path, *options, "--faults", str(path))
    assert process.wait(timeout=30) == 1
    assert process.stdout is not None
    process.stdout.close()
    assert f"--faults: {says}" in log.read_text()
    assert "Traceback" not in log.read_text()
