"""Settings, versions, notes, payload markers, timers and determinism: small and pure."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.durable import payloads
from localhost.durable.actions import ActionType, Outcome
from localhost.durable.determinism import violation
from localhost.durable.execution import Registration, Retry
from localhost.durable.notes import Notes
from localhost.durable.settings import DurableSettings, DurableSettingsError
from localhost.durable.timers import Timers, instant
from localhost.durable.tracing import child_of
from localhost.durable.versions import mismatch

registrations = st.builds(
    Registration,
    st.tuples(st.sampled_from([0, 1, 5, 6]), st.sampled_from(["a", "b"])),
    st.none() | st.builds(Retry, st.integers(1, 9), st.integers(1, 9)),
)


def test_settings_have_the_extensions_defaults():
    settings = DurableSettings.from_host_json({})
    assert settings == DurableSettings()
    assert (settings.hub_name, settings.max_orchestration_actions) == ("TestHubName", 100_000)


def test_settings_are_read_and_unknown_keys_ignored():
    settings = DurableSettings.from_host_json({
        "hubName": "MyHub", "maxConcurrentActivityFunctions": 3, "defaultVersion": "2.0",
        "overridableExistingInstanceStates": "anystate", "storageProvider": {"type": "mssql"},
        "httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": 500},
        "replaySchemaVersion": 1,
    })  # fmt: skip
    assert settings.hub_name == "MyHub"
    assert settings.max_concurrent_activities == 3
    assert settings.overridable_existing_instance_states == "AnyState"
    assert settings.http_poll_seconds == 0.5
    assert settings.replay_schema == 1


@pytest.mark.parametrize(
    "section",
    [
        {"hubName": "1x"},
        {"hubName": "with-dash"},
        {"maxConcurrentActivityFunctions": 0},
        {"maxEntityOperationBatchSize": "7"},
        {"maxOrchestrationActions": True},
        {"versionMatchStrategy": "Sometimes"},
        {"replaySchemaVersion": 4},
    ],
)
def test_a_bad_setting_is_named(section):
    with pytest.raises(DurableSettingsError, match=next(iter(section))):
        DurableSettings.from_host_json(section)


@pytest.mark.parametrize(
    ("theirs", "ours", "strategy", "runs"),
    [
        ("1.9", "1.10", "CurrentOrOlder", True),
        ("1.10", "1.9", "CurrentOrOlder", False),
        (None, "1.0", "CurrentOrOlder", True),
        ("1.0", None, "Strict", False),
        ("1.0", None, "CurrentOrOlder", False),
        (None, None, "Strict", True),
        ("1.0", "1.0", "Strict", True),
        ("1.0", "1.0.0", "Strict", False),
        ("beta", "alpha", "CurrentOrOlder", False),
        ("2.0", "1.0", "None", True),
    ],
)
def test_versions_match_by_strategy(theirs, ours, strategy, runs):
    settings = DurableSettings(default_version=ours, version_match_strategy=strategy)
    assert (mismatch(theirs, settings) is None) is runs


@given(
    st.lists(registrations),
    st.none() | st.builds(Outcome, st.just("Failed"), st.text(), st.none() | st.text()),
    st.lists(st.integers(0, 99)),
)
def test_notes_are_read_as_they_were_written(actions, outcome, canceled):
    notes = Notes(actions, outcome, canceled)
    assert Notes.load(notes.dump()) == notes


def test_equal_actions_take_no_more_room_than_one():
    notes = Notes([Registration((0, "a"))] * 5_000)
    assert len(notes.dump() or "") < 50


@given(st.text(), st.integers(0, 3))
def test_markers_are_put_back_as_the_text_they_stand_for(text, repeats):
    long = text + "\0é" * (payloads.HOT_LIMIT if repeats else 0)
    kept = payloads.Payloads()
    literal = f'{{"Result":{kept.literal(long)}}}'
    assert payloads.references(literal) == set(kept.texts)
    assert json.loads(payloads.join(literal, kept.texts)) == {"Result": long}
    assert set(json.loads(payloads.blank(literal))) == {"Result"}


async def test_timers_fire_in_the_order_of_their_time():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    times = [now]
    fired: list[str] = []
    done = asyncio.Event()

    def fire(due: list[str]) -> None:
        fired.extend(due)
        if len(fired) == 3:
            done.set()

    timers: Timers[str] = Timers(lambda: times[0], fire)
    timers.add(now + timedelta(seconds=3), "third")
    timers.add(now - timedelta(seconds=9), "first")
    timers.add(now, "second")
    times[0] = now + timedelta(seconds=3)
    await asyncio.wait_for(done.wait(), 10)
    assert fired == ["first", "second", "third"]
    timers.close()


def test_times_of_the_sdk_and_of_dotnet_are_read_as_utc():
    expected = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert instant("2026-01-02T03:04:05.123456Z") == expected
    assert instant("2026-01-02T03:04:05.1234567Z") == expected
    assert instant("2026-01-02T03:04:05.123456") == expected


def test_a_replay_that_asks_for_more_agrees():
    recorded = [(0, "a"), (6, "E")]
    assert violation(recorded, [(0, "A"), (6, "E"), (5, "")], [0, -1]) is None


def test_a_replay_that_asks_for_less_is_told_what_is_missing():
    found = violation([(6, "E"), (2, "child")], [], [-1, 4])
    assert found is not None
    assert found.place == 1
    assert "a sub-orchestration task with sequence ID 4 and name 'child'" in found.text
    assert "hasn't (yet?) scheduled this task" in found.text


def test_a_replay_of_another_kind_is_told_what_it_asks_for_instead():
    found = violation([(0, "a")], [(ActionType.CREATE_TIMER, "")], [0])
    assert found is not None
    assert "instead produced a CreateTimerOrchestratorAction action" in found.text


def test_spans_are_new_and_in_the_same_trace():
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    child = child_of(parent)
    assert child is not None
    assert child != parent
    assert (child[:36], child[-2:]) == (parent[:36], "01")
    assert child_of(None) is None
    assert child_of("nonsense") is None
