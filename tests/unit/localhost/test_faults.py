"""The file of faults, and what is drawn from it."""

import json
from itertools import islice
from pathlib import Path

import pytest

from localhost.faults import Faults, FaultsError, draw_fates

WHOLE = {
    "seed": 7,
    "activities": {"deliver_twice": 0.05, "delay_ms": [0, 200], "reorder": True},
    "turns": {"torn": 0.1, "again_ms": [100, 500]},
    "workers": {"kill": {"before_activity": 0.01, "after_activity": 0.02}},
    "storage": {"fail": 0.03},
}


def written(folder: Path, document: object) -> Path:
    path = folder / "faults.json"
    text = document if isinstance(document, str) else json.dumps(document)
    path.write_text(text)
    return path


def test_every_field_is_read(tmp_path):
    faults = Faults.load(written(tmp_path, WHOLE))
    assert json.loads(faults.model_dump_json()) == WHOLE


def test_what_is_not_named_does_not_happen(tmp_path):
    faults = Faults.load(written(tmp_path, {}))
    assert not faults.may_kill_workers
    for fate in islice(draw_fates(faults), 100):
        assert not (fate.is_delivered_twice or fate.is_killed_before or fate.is_killed_after)
        assert fate.delays == (0, 0)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "Invalid JSON: .* line 1 column 1"),
        ("[]", "the document: "),
        ({"activities": {"deliver_twice": 2}}, "activities.deliver_twice: .*less than or equal"),
        ({"activities": {"deliver_twice": -0.1}}, "activities.deliver_twice: .*greater than"),
        ({"activities": {"deliver_twice": True}}, "activities.deliver_twice: .*valid number"),
        ({"activities": {"deliver_twice": "1"}}, "activities.deliver_twice: .*valid number"),
        ('{"storage": {"fail": NaN}}', "storage.fail: .*finite"),
        ({"activities": {"delay_ms": [5, 1]}}, "activities.delay_ms: .*the shorter first"),
        ({"activities": {"delay_ms": [5]}}, "activities.delay_ms"),
        ({"activities": {"delay_ms": [-1, 5]}}, "activities.delay_ms.0"),
        ({"activities": {"reorder": True}}, "activities: reorder takes a delay_ms"),
        ({"turns": {"torn": 1.5}}, "turns.torn: .*less than or equal"),
        ({"turns": {"again_ms": [5, 1]}}, "turns.again_ms: .*the shorter first"),
        ({"workers": {"kill": {"during": 1}}}, "workers.kill.during: there is no such setting"),
        ({"network": {}}, "network: there is no such setting"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place(tmp_path, document, says):
    path = written(tmp_path, document)
    with pytest.raises(FaultsError, match=says) as refused:
        Faults.load(path)
    assert str(path) in str(refused.value)


def test_every_mistake_is_named_at_once(tmp_path):
    document = {"storage": {"fail": 2}, "network": 1}
    with pytest.raises(FaultsError) as refused:
        Faults.load(written(tmp_path, document))
    assert len(str(refused.value).splitlines()) == 2


def test_a_share_of_torn_turns_needs_no_file(tmp_path):
    faults = Faults.from_option("torn=0.25")
    assert (faults.turns.torn, faults.turns.again_ms) == (0.25, (200, 3000))
    assert faults.seed is not None
    assert faults == Faults.load(written(tmp_path, {"seed": faults.seed, "turns": {"torn": 0.25}}))
    assert Faults.from_option(str(written(tmp_path, WHOLE))).seed == 7


@pytest.mark.parametrize("share", ["", "often", "2", "-1", "nan", "inf"])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(FaultsError, match=f"--faults torn={share}: "):
        Faults.from_option(f"torn={share}")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FaultsError, match=r"none\.json cannot be read"):
        Faults.load(tmp_path / "none.json")


def test_the_same_seed_draws_the_same_fates_and_another_others():
    faults = Faults(seed=3, **{k: v for k, v in validated(WHOLE).items() if k != "seed"})
    first = list(islice(draw_fates(faults), 200))
    assert first == list(islice(draw_fates(faults), 200))
    assert first != list(islice(draw_fates(faults.model_copy(update={"seed": 4})), 200))


def validated(document: dict[str, object]) -> dict[str, object]:
    faults = Faults.model_validate_json(json.dumps(document))
    return {name: getattr(faults, name) for name in Faults.model_fields}


def test_a_share_that_is_changed_leaves_the_other_draws_as_they_were():
    calmer = {**WHOLE, "activities": {**WHOLE["activities"], "deliver_twice": 0}}
    one, other = Faults(**validated(WHOLE)), Faults(**validated(calmer))
    for fate, same in zip(
        islice(draw_fates(one), 200), islice(draw_fates(other), 200), strict=True
    ):
        assert fate.delays == same.delays
        assert fate.is_killed_before == same.is_killed_before


def test_shares_and_delays_are_what_was_asked_for():
    drawn = list(islice(draw_fates(Faults(**validated({**WHOLE, "seed": 1}))), 20_000))
    assert sum(fate.is_delivered_twice for fate in drawn) == pytest.approx(1000, rel=0.15)
    assert sum(fate.is_killed_after for fate in drawn) == pytest.approx(400, rel=0.2)
    assert all(0 <= delay <= 0.2 for fate in drawn for delay in fate.delays)


def test_a_file_without_a_seed_gets_one_that_is_announced(tmp_path):
    path = written(tmp_path, {"storage": {"fail": 0.5}})
    one, other = Faults.load(path), Faults.load(path)
    assert one.seed is not None and one.seed != other.seed
    assert f"seed {one.seed}" in one.announcement()
    assert "development only" in one.announcement()
    assert '{"storage": {"fail": 0.5}}' in one.announcement()
