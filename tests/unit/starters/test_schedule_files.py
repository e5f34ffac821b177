import json
from pathlib import Path
from typing import Any

import pytest

from starters.schedule_files import FOLDER, ScheduleFileError, load_schedules, read_files
from tests.support.workloads import probe_workloads

REQUEST = {
    "workload": probe_workloads.Sum.name,
    "source": {"kind": "csv", "container": "inbox", "blob": "{scheduled:yyyy-MM-dd}.csv"},
    "parameters": {"column": "n"},
}
FILE: dict[str, Any] = {"name": "nightly", "schedule": "0 30 2 * * *", "request": REQUEST}


def write(folder: Path, file: Any, name: str = "nightly") -> None:
    (folder / f"{name}.json").write_text(file if isinstance(file, str) else json.dumps(file))


def refusal(folder: Path, file: Any, **values: str) -> str:
    write(folder, file)
    with pytest.raises(ScheduleFileError) as refused:
        load_schedules(folder, values)
    assert str(refused.value).startswith(f"{folder.name}/nightly.json: ")
    return str(refused.value).removeprefix(f"{folder.name}/nightly.json: ")


def test_a_file_becomes_a_schedule_that_skips_unless_it_says_otherwise(tmp_path: Path):
    write(tmp_path, FILE)
    (found,) = load_schedules(tmp_path, {})
    assert (found.name, found.cron, found.on_overlap) == ("nightly", "0 30 2 * * *", "skip")
    assert found.request == REQUEST


def test_the_trigger_is_given_the_name_of_the_setting_that_holds_the_expression(tmp_path: Path):
    write(tmp_path, FILE | {"schedule": "%WHEN%"})
    (found,) = load_schedules(tmp_path, {"WHEN": "*/5 * * * * *"})
    assert (found.trigger, found.cron) == ("%WHEN%", "*/5 * * * * *")


@pytest.mark.parametrize(
    ("enabled", "values", "is_on"),
    [
        (True, {}, True),
        (False, {}, False),
        ("%ON%", {}, False),
        ("%ON%", {"ON": ""}, False),
        ("%ON%", {"ON": "False"}, False),
        ("%ON%", {"ON": "true"}, True),
        ("%ON%", {"ON": "1"}, True),
    ],
)
def test_a_schedule_is_on_by_its_file_or_by_a_setting(
    tmp_path: Path, enabled: bool | str, values: dict[str, str], is_on: bool
):
    write(tmp_path, FILE | {"enabled": enabled})
    assert [s.name for s in load_schedules(tmp_path, values)] == ["nightly"] * is_on


def test_a_schedule_that_is_off_needs_no_setting_for_its_expression(tmp_path: Path):
    write(tmp_path, FILE | {"enabled": False, "schedule": "%WHEN%"})
    assert load_schedules(tmp_path, {}) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "other"}, "name: is 'other', and the file is called 'nightly'"),
        ({"name": "Night-ly"}, "name: String should match"),
        ({"schedule": "*/5 * * * *"}, "schedule: '*/5 * * * *' has 5 fields"),
        ({"schedule": "%WHEN%"}, "schedule: the setting WHEN is not set"),
        ({"enabled": "yes"}, "enabled: 'yes' is none of true, false and %SETTING%"),
        ({"on_overlap": "wait"}, "on_overlap: Input should be 'skip', 'queue' or 'allow'"),
        ({"colour": 1}, "colour: Extra inputs are not permitted"),
        ({"task": "sweep"}, "body: it takes either a request or a task"),
        ({"request": None}, "body: it takes either a request or a task"),
        ({"request": None, "task": "dance"}, "task: Input should be 'sweep'"),
        ({"request": REQUEST | {"workload": "no"}}, "request.workload: there is no workload 'no'"),
        ({"request": REQUEST | {"run_id": "a"}}, "request.run_id: is made from"),
        ({"request": REQUEST | {"dry_run": True}}, "request.dry_run: a dry run is answered"),
        ({"schedule": f"0 0 {'9' * 50} * * *"}, "schedule: hour: "),
        ({"schedule": f"*/{'9' * 50} * * * * *"}, "schedule: second: "),
        (
            {"request": REQUEST | {"concurrency": {"items_per_second": 1e-12}}},
            "request.concurrency.items_per_second: Input should be greater",
        ),
        ({"request": REQUEST | {"max_items": 0}}, "request.max_items: Input should be greater"),
        (
            {"request": REQUEST | {"parameters": {"x": 1, "column": "n"}}},
            "request.parameters.x: Extra inputs are not permitted",
        ),
        (
            {"request": REQUEST | {"parameters": {"column": "{scheduled:DD}"}}},
            "request: 'D' in the format 'DD' is none of yyyy",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_field(
    tmp_path: Path, change: dict[str, Any], says: str
):
    assert refusal(tmp_path, FILE | change).startswith(says)


def test_what_settings_say_is_checked_as_well(tmp_path: Path):
    said = refusal(tmp_path, FILE | {"schedule": "%WHEN%"}, WHEN="0 0 30 2 *")
    assert said.startswith("schedule: '0 0 30 2 *' has 5 fields")
    assert "ON is 'perhaps'" in refusal(tmp_path, FILE | {"enabled": "%ON%"}, ON="perhaps")
    assert "no time zone" in refusal(tmp_path, FILE, WEBSITE_TIME_ZONE="Mars/Base")


def test_a_file_that_is_no_json_is_refused(tmp_path: Path):
    assert "it is no JSON" in refusal(tmp_path, "{")


def test_a_file_may_have_a_byte_order_mark(tmp_path: Path):
    (tmp_path / "nightly.json").write_text(json.dumps(FILE), encoding="utf-8-sig")
    assert [schedule.name for schedule in load_schedules(tmp_path, {})] == ["nightly"]


def test_a_file_with_what_is_no_json_elsewhere_is_refused_with_the_field(tmp_path: Path):
    request = {**REQUEST, "parameters": {"column": float("inf")}}
    said = refusal(tmp_path, FILE | {"request": request})
    assert said == "request.parameters.column: JSON has no Infinity"
    request = {**REQUEST, "select": {"t": {"const": "caf\udce9"}}}
    assert refusal(tmp_path, FILE | {"request": request}).startswith("request.select.t.const: ")
    (tmp_path / "nightly.json").write_text(json.dumps(FILE), encoding="utf-16")
    with pytest.raises(ScheduleFileError, match="body: it is UTF-16"):
        load_schedules(tmp_path, {})


def test_every_fault_of_every_file_is_named_at_once(tmp_path: Path):
    write(tmp_path, FILE | {"name": "b", "colour": 1, "size": 2}, "b")
    write(tmp_path, "[]", "c")
    write(tmp_path, FILE)
    with pytest.raises(ScheduleFileError) as refused:
        load_schedules(tmp_path, {})
    said = [line.split(": ")[:2] for line in str(refused.value).splitlines()]
    folder = tmp_path.name
    assert said == [
        [f"{folder}/b.json", "colour"],
        [f"{folder}/b.json", "size"],
        [f"{folder}/c.json", "body"],
    ]


def test_the_schedules_that_ship_are_sound_and_the_report_is_off_until_asked_for():
    assert [s.name for s in load_schedules(FOLDER, {})] == ["daily_sweep"]
    found = load_schedules(FOLDER, {"FANOUT_NIGHTLY_REPORT": "true"})
    assert [s.name for s in found] == ["daily_sweep", "nightly_report"]


ODD_FILES = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "nothing": b"",
}


@pytest.mark.parametrize("content", ODD_FILES.values(), ids=ODD_FILES)
def test_a_faulty_file_hides_no_other_and_is_named_at_the_start(tmp_path: Path, content: bytes):
    write(tmp_path, FILE)
    (tmp_path / "odd.json").write_bytes(content)
    (tmp_path / "folder.json").mkdir()
    folder, nightly, odd = read_files(tmp_path, {})
    assert nightly.schedule is not None and not nightly.faults
    for file, name in ((folder, "folder"), (odd, "odd")):
        assert (file.name, file.schedule) == (name, None)
        assert file.faults[0].startswith(f"{tmp_path.name}/{name}.json: ")
    with pytest.raises(ScheduleFileError, match=r"folder\.json: [^\n]*\n[^\n]*odd\.json: "):
        load_schedules(tmp_path, {})
