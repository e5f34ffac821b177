"""The durable extension's protocol, driven only over its public webhooks."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hosts.host_process import Answer, HostProcess, running

APP = Path(__file__).parent / "apps" / "durable_app"
BASE = "/runtime/webhooks/durabletask"
DEADLINE_SECONDS = 30


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with running(APP, tmp_path_factory.mktemp("host"), "--no-stack") as started:
        yield started


def post(host: HostProcess, path: str, value: Any = None) -> Answer:
    body = None if value is None else json.dumps(value).encode()
    return host.request("POST", BASE + path, body, {"Content-Type": "application/json"})


def start(host: HostProcess, name: str, value: Any = None) -> str:
    instance = f"{name}-{uuid.uuid4().hex[:8]}"
    answer = post(host, f"/orchestrators/{name}/{instance}", value)
    assert answer.status == 202, answer.body
    assert answer.json["id"] == instance
    return instance


def status(host: HostProcess, instance: str, query: str = "") -> Any:
    return host.get(f"{BASE}/instances/{instance}{query}").json


def ended(host: HostProcess, instance: str) -> Any:
    return wait_for(host, instance, {"Completed", "Failed", "Terminated"})


def wait_for(host: HostProcess, instance: str, statuses: set[str]) -> Any:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = status(host, instance)
        if found["runtimeStatus"] in statuses:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{instance} is {found}\n{host.log}")


def run(host: HostProcess, name: str, value: Any = None) -> Any:
    found = ended(host, start(host, name, value))
    assert found["runtimeStatus"] == "Completed", found
    return found["output"]


def raise_event(host: HostProcess, instance: str, name: str, value: Any) -> Answer:
    return post(host, f"/instances/{instance}/raiseEvent/{name}", value)


def test_activities_run_one_after_the_other(host):
    assert run(host, "chain", {"value": 3}) == [3, 3]


@pytest.mark.parametrize("n", [1, 2, 50, 300])
def test_a_fan_out_gives_every_result_in_order(host, n):
    assert run(host, "all_of", {"n": n}) == list(range(n))


def test_an_empty_fan_out_gives_none(host):
    assert run(host, "empty_sets") is None


def test_the_first_of_several_tasks_wins(host):
    assert run(host, "any_of") == {"is_quick": True, "result": "quick"}


def test_a_failed_activity_fails_its_orchestration_with_the_extensions_words(host):
    found = ended(host, start(host, "fails"))
    assert found["runtimeStatus"] == "Failed"
    assert found["output"].startswith("Orchestrator function 'fails' failed: ")
    assert "Activity function 'fail' failed:  ValueError: boom" in found["output"]


def test_a_failed_activity_can_be_caught(host):
    assert "Activity function 'fail' failed:  ValueError: boom" in run(host, "catches")


def test_an_orchestrator_that_raises_fails_with_its_message(host):
    found = ended(host, start(host, "raises"))
    assert found["runtimeStatus"] == "Failed"
    assert "from the orchestrator" in found["output"]


def test_an_unknown_activity_leaves_its_caller_waiting(host):
    instance = start(host, "calls_nobody")
    wait_for(host, instance, {"Running"})
    events = status(host, instance, "?showHistory=true")["historyEvents"]
    assert [event["EventType"] for event in events] == ["ExecutionStarted"]
    post(host, f"/instances/{instance}/terminate")


def test_an_activity_is_tried_until_it_succeeds(host, tmp_path):
    plan = {"file": str(tmp_path / "tries"), "times": 2, "attempts": 5}
    assert run(host, "retries", plan) == 3


def test_attempts_used_up_leave_one_timer_more_than_they_need(host, tmp_path):
    plan = {"file": str(tmp_path / "tries"), "times": 9, "attempts": 3}
    instance = start(host, "retries", plan)
    assert "try 3" in ended(host, instance)["output"]
    events = status(host, instance, "?showHistory=true")["historyEvents"]
    kinds = [event["EventType"] for event in events]
    assert kinds.count("TaskFailed") == 3
    assert kinds.count("TimerCreated") == kinds.count("TimerFired") == 3


def test_a_sub_orchestration_returns_its_output_and_knows_its_parent(host):
    instance = start(host, "parent")
    assert ended(host, instance)["output"] == [7, 7]
    assert status(host, f"{instance}:child")["runtimeStatus"] == "Completed"


def test_a_failing_sub_orchestration_is_tried_again_and_can_be_caught(host):
    output = run(host, "parent_of_failing")
    assert "boom" in output


def test_a_durable_timer_waits_as_long_as_it_should(host):
    assert 0.3 <= run(host, "sleeps", {"seconds": 0.3}) < 5


def test_a_cancelled_timer_keeps_nothing_open(host):
    instance = start(host, "cancels_timer")
    raise_event(host, instance, "go", {"a": 1})
    found = ended(host, instance)
    assert (found["runtimeStatus"], found["output"]) == ("Completed", {"a": 1})


def test_repeated_events_are_delivered_once_each_in_order(host):
    instance = start(host, "collects", {"count": 3})
    for value in ({"n": 1}, {"n": 2}, {"n": 3}):
        assert raise_event(host, instance, "item", value).status == 202
    assert ended(host, instance)["output"] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_continuing_as_new_takes_an_event_a_generation(host):
    instance = start(host, "generations", {"got": []})
    for count in (1, 2, 3):
        raise_event(host, instance, "item", {"n": count})
        # An event that comes before its generation waits for it would be lost.
        while count < 3 and json.dumps(status(host, instance)["input"]).count("n") < count:
            time.sleep(0.01)
    assert ended(host, instance)["output"] == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_custom_status_is_shown_while_running(host):
    instance = start(host, "reports")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while status(host, instance)["customStatus"] != {"step": 1}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    raise_event(host, instance, "go", {})
    assert ended(host, instance)["customStatus"] == {"step": 2}


def test_entities_are_called_and_signalled_in_order(host):
    key = uuid.uuid4().hex
    assert run(host, "counts", {"key": key}) == 7
    assert host.get(f"{BASE}/entities/Counter/{key}").json == 7


def test_an_entitys_error_reaches_its_caller(host):
    assert "by nothing" in run(host, "asks_wrongly")


def test_an_entity_is_signalled_over_http(host):
    key = uuid.uuid4().hex
    # As the SDK's client sends it: JSON inside a JSON string.
    assert post(host, f"/entities/counter/{key}?op=add", "4").status == 202
    deadline = time.monotonic() + DEADLINE_SECONDS
    while host.get(f"{BASE}/entities/counter/{key}").body != b"4":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    listed = host.get(f"{BASE}/entities/counter?fetchState=true&top=1000").json
    assert {"name": "counter", "key": key} in [entity["entityId"] for entity in listed]


def test_an_unknown_entity_is_absent_and_cannot_be_signalled(host):
    assert host.get(f"{BASE}/entities/counter/none").status == 404
    assert post(host, "/entities/nobody/k?op=add", 1).status == 400


def test_ids_made_in_an_orchestration_differ_and_stay_the_same_in_replay(host):
    output = run(host, "identities")
    assert len(set(output["ids"])) == 2 and output["parent"] is None


def test_a_start_answers_with_every_url(host):
    answer = post(host, "/orchestrators/chain", {"value": 1})
    assert answer.status == 202
    assert answer.header("retry-after") == "10"
    assert answer.header("location") == answer.json["statusQueryGetUri"]
    assert len(answer.json["id"]) == 32
    assert set(answer.json) == {
        "id",
        "statusQueryGetUri",
        "sendEventPostUri",
        "terminatePostUri",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "suspendPostUri",
        "resumePostUri",
    }


def test_a_start_can_wait_for_the_output(host):
    answer = post(host, "/orchestrators/chain?timeout=20&pollingInterval=1", {"value": 1})
    assert (answer.status, answer.json) == (200, [1, 1])


def test_a_start_that_waits_too_short_is_accepted(host):
    late = "/orchestrators/sleeps?timeout=0.05&pollingInterval=0.05"
    answer = post(host, late, {"seconds": 60})
    assert answer.status == 202
    refused = post(host, "/orchestrators/sleeps?timeout=1&pollingInterval=2", {"seconds": 60})
    assert (refused.status, "Message" in refused.json) == (400, True)
    post(host, f"/instances/{answer.json['id']}/terminate?reason=enough")


def test_an_unknown_orchestrator_starts_and_fails_in_words(host):
    found = ended(host, start(host, "nobody"))
    assert found["runtimeStatus"] == "Failed"
    assert "The function 'nobody' doesn't exist" in found["output"]


def test_broken_json_is_refused_in_words_and_some_that_is_nearly_json_taken(host):
    broken = host.request("POST", f"{BASE}/orchestrators/chain", b"{")
    assert (broken.status, broken.json["Message"]) == (400, "Invalid JSON content")
    nearly = host.request("POST", f"{BASE}/orchestrators/chain", b"{'value': 3,}")
    assert ended(host, nearly.json["id"])["output"] == [3, 3]


def test_a_running_id_cannot_be_started_again(host):
    instance = start(host, "collects", {"count": 1})
    answer = post(host, f"/orchestrators/collects/{instance}", {"count": 1})
    assert answer.status == 409
    post(host, f"/instances/{instance}/terminate")


def test_a_running_instance_is_202_and_an_ended_one_200(host):
    instance = start(host, "collects", {"count": 1})
    answer = host.get(f"{BASE}/instances/{instance}")
    assert (answer.status, answer.header("retry-after")) == (202, "5")
    raise_event(host, instance, "item", {"n": 1})
    ended(host, instance)
    assert host.get(f"{BASE}/instances/{instance}").status == 200


def test_a_failed_instance_is_500_only_if_asked(host):
    instance = start(host, "fails")
    ended(host, instance)
    assert host.get(f"{BASE}/instances/{instance}").status == 200
    flag = "?returnInternalServerErrorOnFailure=true"
    assert host.get(f"{BASE}/instances/{instance}{flag}").status == 500


def test_what_does_not_exist_is_404_without_a_body(host):
    for method, path in (
        ("GET", "/instances/none"),
        ("DELETE", "/instances/none"),
        ("POST", "/instances/none/terminate"),
        ("POST", "/instances/none/suspend"),
        ("PUT", "/instances/none"),
        ("GET", "/nothing"),
    ):
        answer = host.request(method, BASE + path)
        assert (answer.status, answer.body) == (404, b""), (method, path)


def test_status_shows_input_unless_told_not_to(host):
    instance = start(host, "chain", {"value": 9})
    ended(host, instance)
    assert status(host, instance)["input"] == {"value": 9}
    assert status(host, instance, "?showInput=false")["input"] is None


def test_history_folds_what_was_scheduled_into_its_completion(host):
    instance = start(host, "chain", {"value": 9})
    ended(host, instance)
    plain = status(host, instance, "?showHistory=true")["historyEvents"]
    assert [event["EventType"] for event in plain] == [
        "ExecutionStarted",
        "TaskCompleted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert plain[0]["FunctionName"] == "chain"
    assert plain[1]["FunctionName"] == "echo" and "ScheduledTime" in plain[1]
    assert plain[3]["OrchestrationStatus"] == "Completed"
    assert all("Result" not in event and "EventId" not in event for event in plain)
    full = status(host, instance, "?showHistory=true&showHistoryOutput=true")["historyEvents"]
    assert [event["Result"] for event in full[1:]] == [9, [9, 9], [9, 9]]


def test_terminate_ends_at_once_with_its_reason_and_then_it_is_gone(host):
    instance = start(host, "collects", {"count": 1})
    assert post(host, f"/instances/{instance}/terminate?reason=no%20more").status == 202
    found = ended(host, instance)
    assert (found["runtimeStatus"], found["output"]) == ("Terminated", "no more")
    assert post(host, f"/instances/{instance}/terminate").status == 410
    assert raise_event(host, instance, "item", 1).status == 410


def test_terminate_leaves_sub_orchestrations_running(host):
    instance = start(host, "parent_of_waiting")
    child = f"{instance}:child"
    deadline = time.monotonic() + DEADLINE_SECONDS
    while host.get(f"{BASE}/instances/{child}").status != 202:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    post(host, f"/instances/{instance}/terminate?reason=all")
    assert ended(host, instance)["runtimeStatus"] == "Terminated"
    wait_for(host, child, {"Running"})
    post(host, f"/instances/{child}/terminate?reason=all")
    assert ended(host, child)["runtimeStatus"] == "Terminated"


def test_a_suspended_instance_waits_until_it_is_resumed(host):
    instance = start(host, "collects", {"count": 1})
    assert post(host, f"/instances/{instance}/suspend?reason=wait").status == 202
    wait_for(host, instance, {"Suspended"})
    assert post(host, f"/instances/{instance}/suspend").status == 500
    raise_event(host, instance, "item", {"n": 1})
    assert status(host, instance)["runtimeStatus"] == "Suspended"
    assert post(host, f"/instances/{instance}/resume").status == 202
    assert ended(host, instance)["output"] == [{"n": 1}]


def test_an_event_must_be_json(host):
    instance = start(host, "collects", {"count": 1})
    path = f"{BASE}/instances/{instance}/raiseEvent/item"
    plain = host.request("POST", path, b"1", {"Content-Type": "text/plain"})
    assert plain.status == 400
    broken = host.request("POST", path, b"{", {"Content-Type": "application/json"})
    assert broken.status == 400
    post(host, f"/instances/{instance}/terminate")


def test_purge_removes_an_instance(host):
    instance = start(host, "chain", {"value": 1})
    ended(host, instance)
    answer = host.request("DELETE", f"{BASE}/instances/{instance}")
    assert (answer.status, answer.json) == (200, {"instancesDeleted": 1})
    assert host.get(f"{BASE}/instances/{instance}").status == 404


def test_what_runs_cannot_be_purged(host):
    instance = start(host, "collects", {"count": 1})
    answer = host.request("DELETE", f"{BASE}/instances/{instance}")
    assert answer.status == 412
    assert answer.json.startswith("Only orchestrations in a terminal state can be purged")
    post(host, f"/instances/{instance}/terminate")


def test_purge_by_filter_takes_ended_instances_and_needs_a_time(host):
    missing = host.request("DELETE", f"{BASE}/instances")
    assert missing.status == 400 and "createdTimeFrom" in missing.json
    running_one = start(host, "collects", {"count": 1})
    over = start(host, "chain", {"value": 1})
    ended(host, over)
    query = f"?createdTimeFrom=2020-01-01T00:00:00Z&instanceIdPrefix={over}"
    assert host.request("DELETE", f"{BASE}/instances{query}").json == {"instancesDeleted": 1}
    assert status(host, running_one)["runtimeStatus"] in ("Pending", "Running")
    post(host, f"/instances/{running_one}/terminate")


def test_instances_are_listed_a_page_at_a_time_and_filtered(host):
    prefix = uuid.uuid4().hex[:6]
    wanted = [f"{prefix}-{n}" for n in range(5)]
    for instance in wanted:
        post(host, f"/orchestrators/chain/{instance}", {"value": 1})
    for instance in wanted:
        ended(host, instance)
    found, token = [], ""
    while True:
        query = f"?instanceIdPrefix={prefix}&top=2&runtimeStatus=Completed"
        page = host.get(f"{BASE}/instances{query}", **{"x-ms-continuation-token": token})
        assert len(page.json) <= 2
        found += [instance["instanceId"] for instance in page.json]
        token = page.header("x-ms-continuation-token") or ""
        if not token:
            break
    assert sorted(found) == wanted
    none = host.get(f"{BASE}/instances?instanceIdPrefix={prefix}&runtimeStatus=Failed")
    assert none.json == []


def test_restart_runs_the_same_again_under_a_new_id(host):
    instance = start(host, "chain", {"value": 5})
    ended(host, instance)
    answer = post(host, f"/instances/{instance}/restart")
    assert answer.status == 202 and answer.json["id"] != instance
    assert ended(host, answer.json["id"])["output"] == [5, 5]
    assert post(host, "/instances/none/restart").status == 400


def test_rewind_runs_what_failed_again(host, tmp_path):
    plan = {"file": str(tmp_path / "tries"), "times": 1, "attempts": 1}
    instance = start(host, "retries", plan)
    assert ended(host, instance)["runtimeStatus"] == "Failed"
    assert post(host, f"/instances/{instance}/rewind?reason=mended").status == 202
    found = wait_for(host, instance, {"Completed"})
    assert found["output"] == 2


def test_rewind_is_only_for_failed_instances(host):
    instance = start(host, "chain", {"value": 5})
    ended(host, instance)
    assert post(host, f"/instances/{instance}/rewind").status == 412
