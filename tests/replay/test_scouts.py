"""Scouts and batches end early at random places, die there, and are heard early, late or twice."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import activities.endings.finish as finishing
from activities.batches import process_batch
from fanout.governor import wave_size
from fanout.messages.payloads import dump
from fanout.messages.run import RunEnd
from fanout.naming import functions
from tests.support.doubles.memory_tables import MemoryTables
from tests.support.replays.durable_hub import Hub, hub
from tests.support.replays.inline_runs import Inline
from tests.support.replays.local_runs import RUN_ID, inline
from tests.support.replays.recorded_histories import begins_with, recordings, replay
from tests.support.replays.scouted_runs import ScoutedRun
from tests.support.replays.scouting_hub import BoxEnd, BoxEnds, scouting_app, tell_by
from tests.support.replays.scripted_runs import AT_ONCE

HEARD_SECONDS = 0.03
KINDS: dict[str, dict[str, Any]] = {"good": {}, "late": {"good": 2}, "bad": {"ending": "permanent"}}
ORCHESTRATORS = {functions.RUN, functions.SHARD}


@dataclass
class Stage:
    """An engine that carries out one run after the other."""

    runner: asyncio.Runner
    durable: Hub
    runs: dict[str, Inline]
    ends: dict[str, BoxEnds]
    functions: dict[str, Any]

    def run(self, kinds: list[str], ends: list[BoxEnd], width: int) -> tuple[ScoutedRun, RunEnd]:
        items = [{"id": n} | KINDS[kind] for n, kind in enumerate(kinds)]
        more = {"retry": AT_ONCE.model_dump(), "concurrency": {"batches": width}}
        asked = inline(items, batch=None, tolerance={"percentage": 100}, **more)
        scene = ScoutedRun(asked, tables=MemoryTables())
        scene.inline.tell = tell_by(self.durable, self.runner.get_loop())
        self.runs[RUN_ID] = scene.inline
        self.ends[RUN_ID] = BoxEnds(ends, lambda: time.sleep(HEARD_SECONDS))
        del self.durable.executor.calls[:]
        given_input = dump(scene.input)
        asked = self.durable.run(functions.RUN, given_input, instance_id=RUN_ID)
        return scene, RunEnd.model_validate(self.runner.run(asked))

    def insist_on_prefixes(self) -> None:
        """Every prefix of the histories gives the beginning of the same actions."""
        for recording in recordings(self.durable.executor.calls, ORCHESTRATORS):
            function = self.functions[recording.orchestrator]
            whole, before = replay(function, recording.turns[-1]), None
            for context in recording.prefixes():
                reply = replay(function, context)
                assert begins_with(whole, reply)
                assert before is None or begins_with(reply, before)
                before = reply


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    path: Path = tmp_path_factory.mktemp("scouts") / "hub.db"
    runs: dict[str, Inline] = {}
    ends: dict[str, BoxEnds] = {}
    app = scouting_app(runs)
    known = {f.get_function_name(): f.get_user_function() for f in scouting_app({}).get_functions()}
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(finishing, "messaging", lambda: None)
        for name in ("LEAST_BATCH_MS", "LEAST_BOX_MS", "LEAST_REST_MS"):
            patch.setattr(wave_size, name, 1e-6)
        patch.setattr(process_batch, "watch", lambda *asked: ends[RUN_ID].watch(*asked))
        engine = hub(app, path)
        yield Stage(runner, runner.run(engine.__aenter__()), runs, ends, known)
        runner.run(engine.__aexit__(None, None, None))


BOX_ENDS = st.builds(
    BoxEnd,
    kept=st.integers(1, 5),
    tells=st.integers(0, 2),
    is_early=st.booleans(),
    fate=st.sampled_from(["goes on", "goes on", "dies", "fails"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kinds=st.lists(st.sampled_from(["good", "good", "late", "bad"]), min_size=1, max_size=14),
    ends=st.lists(BOX_ENDS, max_size=5),
    width=st.sampled_from([1, 2, 4, 120]),
)
def test_wherever_boxes_end_each_item_ends_once(
    stage: Stage, kinds: list[str], ends: list[BoxEnd], width: int
) -> None:
    scene, end = stage.run(kinds, ends, width)
    scene.insist_on_one_end(end)
    bad = kinds.count("bad")
    items, counts = end.items, scene.state.counts("process")
    assert (items.total, items.failed, items.pending) == (len(kinds), bad, 0)
    assert (counts.succeeded, counts.failed) == (items.succeeded, bad)
    assert (counts.retries, counts.lost_batches) == (kinds.count("late"), 0)
    stage.insist_on_prefixes()
