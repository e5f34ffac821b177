import logging
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.governor.tallies import add_results
from fanout.messages.batches import WaveTally
from fanout.messages.payloads import dump
from fanout.messages.shards import Retrying, ShardWork, Wave
from fanout.models.request import RetryPolicy, RunRequest
from fanout.naming.media_types import JSON_LINES
from tests.support.replays.local_runs import LocalRun, inline

ATTEMPTS = 3
RETRY = {"retry": {"max_attempts": ATTEMPTS}}
SHAPES = ["probe", "async-probe"]

items = st.fixed_dictionaries(
    {"ending": st.sampled_from(["ok", "permanent", "transient", "crash", "no-json"])},
    optional={"good": st.integers(1, ATTEMPTS + 1)},
)


def one_batch(values: list, workload: str = "probe", **more) -> LocalRun:
    run = LocalRun(inline(values, workload, **(RETRY | more)))
    run.plan()
    return run


@pytest.mark.parametrize("workload", SHAPES)
@settings(max_examples=60)
@given(st.lists(items, max_size=12), st.integers(1, 5), st.integers(1, ATTEMPTS))
def test_every_item_ends_in_exactly_one_state_within_its_attempts(
    workload: str, endings: list[dict], batch_items: int, attempts: int
):
    values = [{"id": n} | ending for n, ending in enumerate(endings)]
    more = {"retry": {"max_attempts": attempts}, "batch": {"max_items": batch_items}}
    run = LocalRun(inline(values, workload, **more, tolerance={"percentage": 100}))
    end = run.run()
    outcomes = {outcome.index: outcome for outcome in run.outcomes()}
    assert sorted(outcome.index for outcome in run.outcomes()) == list(range(len(values)))
    for index, value in enumerate(values):
        status, tried = expected(value, attempts)
        assert (outcomes[index].status, outcomes[index].attempts) == (status, tried)
    counts = end.items
    assert counts.total == len(values) == counts.succeeded + counts.failed
    assert counts.succeeded == sum(result.succeeded for result in run.results)
    assert counts.failed == sum(result.failed for result in run.results)
    assert run.results[-1].retryable == 0 if run.results else True
    assert max(run.rounds.values(), default=0) <= attempts


def expected(value: dict, attempts: int) -> tuple[str, int]:
    """How an item ends and at which attempt."""
    good = value.get("good", 1)
    if good > attempts:
        return "failed", attempts
    if value["ending"] in ("transient", "crash"):
        return "failed", attempts
    return ("succeeded" if value["ending"] == "ok" else "failed"), good


@pytest.mark.parametrize("workload", SHAPES)
def test_an_item_that_succeeds_leaves_its_output_and_key(workload: str):
    run = one_batch([{"id": "a"}, {"id": "b", "good": 2}], workload)
    run.batch()
    run.batch(retry_round=1)
    first, second = run.part(retry_round=1)
    assert first.output == {"id": "a", "key": "r/item-a/process", "attempt": 1}
    assert second.output == {"id": "b", "key": "r/item-b/process", "attempt": 2}
    assert (first.item_id, second.item_id) == ("item-a", "item-b")


def test_a_later_round_touches_only_the_items_that_wait_for_it():
    run = one_batch([{"id": 0}, {"id": 1, "good": 2}, {"id": 2, "ending": "permanent"}])
    first = run.batch()
    assert (first.succeeded, first.failed, first.retryable) == (1, 1, 1)
    assert [outcome.status for outcome in run.part()] == ["succeeded", "pending", "failed"]
    second = run.batch(retry_round=1)
    assert (second.succeeded, second.failed, second.retryable) == (1, 0, 0)
    assert [outcome.attempts for outcome in run.part(retry_round=1)] == [1, 2, 1]


def test_a_batch_delivered_twice_leaves_the_same_part():
    run = one_batch([{"id": 0}, {"id": 1, "ending": "crash"}])
    first, again = (run.batch().model_copy(update={"work_ms": None}) for _ in range(2))
    assert first == again
    assert [outcome.status for outcome in run.part()] == ["succeeded", "pending"]


def test_an_item_that_waits_says_why():
    run = one_batch([{"id": 0, "ending": "crash"}])
    run.batch()
    (outcome,) = run.part()
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.retryable) == ("ZeroDivisionError", True)


def test_the_longest_wait_asked_for_is_passed_on():
    values = [{"id": n, "ending": "transient", "retry_after": n} for n in (3, 7, 5)]
    assert one_batch(values).batch().retry_after == 7


def test_an_item_of_another_shape_fails_for_good_naming_the_field():
    run = one_batch([{"id": 1, "good": "soon"}, {"colour": "red"}, 5])
    result = run.batch()
    assert (result.failed, result.retryable) == (3, 0)
    messages = [outcome.error.message for outcome in run.part() if outcome.error]
    assert messages[0].startswith("good: ")
    assert "id: " in messages[1] and "colour: " in messages[1]
    assert messages[2].startswith("item: ")


def test_a_line_that_does_not_parse_fails_with_its_number():
    source = {"kind": "jsonl", "container": "inbox", "blob": "items.jsonl"}
    request = RunRequest.model_validate({"workload": "probe", "source": source, "batch": {}})
    run = LocalRun(request)
    run.store.write("inbox", "items.jsonl", b'{"id":0}\n{"id":\n\n{"id":2,"ending":"no"}\n')
    run.plan()
    run.batch()
    good, broken, invalid = run.part()
    assert good.status == "succeeded"
    assert broken.error is not None and "line 2" in broken.error.message
    assert invalid.error is not None and invalid.error.message.startswith("line 4: ending: ")


@pytest.mark.parametrize("workload", SHAPES)
@pytest.mark.parametrize("ending", ["no-json", "no-id", "validator-crash"])
def test_whatever_goes_wrong_with_an_item_is_its_own_outcome(workload: str, ending: str):
    run = one_batch([{"id": 0}, {"id": 1, "ending": ending}, {"id": 2}], workload)
    end = run.run()
    assert (end.items.succeeded, end.items.failed) == (2, 1)


def test_items_that_succeeded_stay_so_when_the_source_changes_between_rounds():
    source = {"kind": "jsonl", "container": "inbox", "blob": "items.jsonl"}
    run = LocalRun(
        RunRequest.model_validate({"workload": "probe", "source": source, "batch": {}} | RETRY)
    )
    run.store.write("inbox", "items.jsonl", b'{"id":0}\n{"id":1,"good":2}\n')
    run.plan()
    run.batch()
    run.store.write("inbox", "items.jsonl", b'{"id":0}\n{"id":9}\n')
    result = run.batch(retry_round=1)
    assert (result.succeeded, result.failed, result.retryable) == (0, 1, 0)
    kept, failed = run.part(retry_round=1)
    assert (kept.status, kept.attempts) == ("succeeded", 1)
    assert failed.error is not None and failed.error.type == "SourceChangedError"


def test_a_source_that_changed_after_the_plan_fails_its_items_for_good():
    source = {"kind": "jsonl", "container": "inbox", "blob": "items.jsonl"}
    run = LocalRun(RunRequest.model_validate({"workload": "probe", "source": source, "batch": {}}))
    run.store.write("inbox", "items.jsonl", b'{"id":0}\n{"id":1}\n')
    run.plan()
    run.store.write("inbox", "items.jsonl", b'{"id":0}\n{"id":9}\n')
    result = run.batch()
    assert (result.failed, result.errors[0].type) == (2, "SourceChangedError")


@pytest.mark.parametrize("workload", ["probe", "sum"])
def test_items_of_a_blob_that_storage_does_not_give_any_more_fail_with_its_name(
    workload: str, monkeypatch: pytest.MonkeyPatch
):
    source = {"kind": "jsonl", "container": "inbox", "blob": "items.jsonl"}
    request = {"workload": workload, "source": source, "parameters": {}, "batch": {}}
    if workload == "sum":
        request["parameters"] = {"column": "id"}
    run = LocalRun(RunRequest.model_validate(request))
    run.store.write("inbox", "items.jsonl", b'{"id":0}\n{"id":1}\n')
    run.plan()
    give = run.store.read

    def refuse(container: str, blob: str, **options: Any) -> bytes:
        if container != "inbox":
            return give(container, blob, **options)
        error = HttpResponseError("This operation is not permitted on an archived blob.")
        error.status_code, error.error_code = 409, "BlobArchived"
        raise error

    monkeypatch.setattr(run.store, "read", refuse)
    result = run.batch()
    assert (result.failed, result.errors[0].type) == (2, "SourceBlobError")
    assert "'items.jsonl' in the container 'inbox' is not given by storage: BlobArchived" in (
        result.errors[0].message
    )


@pytest.mark.parametrize("character", ["x", "\x00", "漢", "😀"])
def test_whatever_failures_say_the_shard_can_carry_them(character: str):
    long = character * 500
    run = one_batch([{"id": long, f"{n}{long}": 0} for n in range(20)])
    result = run.batch()
    assert (result.failed, len(result.errors)) == (20, 5)
    policy = RetryPolicy(base_seconds=1234.5678, factor=3.14159, max_seconds=12345.678)
    dump(
        ShardWork(
            run_id="r" * 100,
            shard=63,
            shards=64,
            cuts=10**8,
            partitions=10**6,
            cuts_per_partition=2500,
            retry=policy,
            partition=10**6,
            first_cut=2400,
            wave=Wave(end=2500, span=1),
            tally=add_results(
                WaveTally(succeeded=10**8, failed=10**8, retries=10**9, tried=10**9, work_ms=1e10),
                [result],
                lost_batches=0,
            ),
            retrying=Retrying(
                first_cuts=[*range(2400, 2500)],
                items=10**8,
                retry_round=99,
                since="2026-01-01T00:00:00.000Z",
                until="2026-01-01T00:00:00.000Z",
            ),
        )
    )


def test_failures_that_differ_only_in_their_line_are_of_one_kind():
    source = {"kind": "csv", "container": "inbox", "blob": "rows.csv"}
    run = LocalRun(RunRequest.model_validate({"workload": "probe", "source": source, "batch": {}}))
    run.store.write("inbox", "rows.csv", b"id\n1\n2,3\n4,5\n")
    run.plan()
    (group,) = run.batch().errors
    assert (group.count, group.example_item) == (2, "1")
    assert "line" not in group.message


def test_every_kind_of_failure_given_up_on_is_logged(caplog: pytest.LogCaptureFixture):
    run = one_batch([{"id": 0, "ending": "permanent"}, {"id": 1, "ending": "permanent"}])
    logger = logging.getLogger("fanout")
    propagates, logger.propagate = logger.propagate, True
    with caplog.at_level(logging.WARNING, "fanout"):
        run.batch()
    logger.propagate = propagates
    (record,) = caplog.records
    assert record.getMessage() == "gave up on 2 items of r/parts/a1-p00000-r0-b0000.jsonl"
    about = (record.task_id, record.error_type, record.error_message)
    assert about == ("item-0", "PermanentError", "never")


def test_a_part_is_a_file_of_json_lines():
    run = one_batch([{"id": 0}])
    run.batch()
    name = ("runs", "r/parts/a1-p00000-r0-b0000.jsonl")
    assert run.store.media_types[name] == JSON_LINES
