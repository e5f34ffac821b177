import asyncio
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from localhost.contract import Done, FunctionInfo, Invocation, InvocationResult
from localhost.faults import Faults, FaultsError, FaultyExecutor


def info(name: str, kind: str) -> FunctionInfo:
    binding = {"type": kind, "name": "value"}
    return FunctionInfo(name, binding, [binding], is_async=False)


class Recorder:
    """An executor that notes its calls and answers each with its number."""

    functions = (info("act", "activityTrigger"), info("run", "orchestrationTrigger"))

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def submit(self, invocations: Sequence[Invocation], done: Done) -> None:
        for call in invocations:
            self.calls.append(call.id)
            done([InvocationResult(call.id, str(len(self.calls)))])


async def run(faults: Faults, function: str, number: int) -> tuple[Recorder, list[str]]:
    recorder, results = Recorder(), []
    executor = FaultyExecutor(recorder, faults, lambda: [])
    calls = [Invocation(str(n), function, "null") for n in range(number)]
    executor.submit(calls, lambda ended: results.extend(result.id for result in ended))
    for _ in range(100):
        if len(results) >= len(recorder.calls):
            break
        await asyncio.sleep(0.01)
    return recorder, results


async def test_activities_are_delivered_twice_and_orchestrators_never():
    faults = Faults.model_validate({"seed": 1, "activities": {"deliver_twice": 1}})
    twice, results = await run(faults, "act", 5)
    assert [call for call in twice.calls if "again" not in call] == [str(n) for n in range(5)]
    assert sorted(results) == sorted([str(n) for n in range(5)] * 2)
    once, _ = await run(faults, "run", 5)
    assert once.calls == [str(n) for n in range(5)]


async def test_completions_overtake_one_another():
    delays = {"delay_ms": [0, 30], "reorder": True}
    recorder, results = await run(
        Faults.model_validate({"seed": 7, "activities": delays}), "act", 20
    )
    assert sorted(results) == sorted(recorder.calls)
    assert results != recorder.calls


async def test_a_worker_that_is_dead_already_keeps_no_result_back():
    kills = {"kill_before_activity": 1, "kill_after_activity": 1}
    recorder, results = Recorder(), []
    dead = subprocess.Popen(["true"])  # noqa: ASYNC220  it is over at once
    dead.wait()
    faults = Faults.model_validate({"workers": kills})
    executor = FaultyExecutor(recorder, faults, lambda: [dead.pid])
    executor.submit([Invocation("1", "act", "null")], results.extend)
    await asyncio.sleep(0.05)
    assert [result.id for result in results] == ["1"]


async def test_the_same_seed_makes_the_same_faults():
    faults = Faults.model_validate({"seed": 3, "activities": {"deliver_twice": 0.5}})
    assert (await run(faults, "act", 50))[0].calls == (await run(faults, "act", 50))[0].calls


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "line 1: it is no JSON"),
        (json.dumps({"activities": {"deliver_twice": 2}}), "activities.deliver_twice"),
        (json.dumps({"activities": {"delay_ms": [5, 1]}}), "the shorter first"),
        (json.dumps({"network": {}}), "network"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place(
    tmp_path: Path, document: str, says: str
):
    path = tmp_path / "faults.json"
    path.write_text(document)
    with pytest.raises(FaultsError, match=says):
        Faults.load(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(FaultsError, match="cannot be read"):
        Faults.load(tmp_path / "none.json")
