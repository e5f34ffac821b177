import pytest

from cli.commands.options import merge_options, parse_parameters, parse_source, parse_tolerance
from cli.errors import CommandError


@pytest.mark.parametrize(
    ("text", "means"),
    [("10", {"count": 10}), ("2.5%", {"percentage": 2.5}), (" 1% ", {"percentage": 1.0})],
)
def test_failures_are_tolerated_by_number_or_percentage(text: str, means: dict[str, float]):
    assert parse_tolerance(text) == means


@pytest.mark.parametrize("text", ["", "many", "1.5", "%", "1%%"])
def test_any_other_tolerance_is_refused(text: str):
    with pytest.raises(CommandError, match="--tolerate"):
        parse_tolerance(text)


def test_values_are_json_or_text_and_dots_lead_into_objects():
    pairs = ['group_by=["carrier"]', "metrics.delay=mean", "metrics.n=3", "title=a=b", "empty="]
    assert parse_parameters(pairs) == {
        "group_by": ["carrier"],
        "metrics": {"delay": "mean", "n": 3},
        "title": "a=b",
        "empty": "",
    }


@pytest.mark.parametrize("pairs", [["a"], ["=1"], ["a=1", "a.b=2"]])
def test_what_is_no_pair_or_contradicts_another_is_refused(pairs: list[str]):
    with pytest.raises(CommandError):
        parse_parameters(pairs)


def test_sources_are_written_in_short():
    assert parse_source("csv:inbox/a/b.csv") == {
        "kind": "csv",
        "container": "inbox",
        "blob": "a/b.csv",
    }
    assert parse_source("listing:photos") == {
        "kind": "listing",
        "container": "photos",
        "prefix": "",
    }
    for text in ("inbox/a.csv", "csv:inbox", "csv:/a"):
        with pytest.raises(CommandError, match="kind:container/blob"):
            parse_source(text)


def test_options_come_last_and_what_was_not_said_stays():
    body = {"workload": "a", "retry": {"max_attempts": 9, "factor": 3}, "batch": None}
    said = {
        "workload": None,
        "run_id": "r",
        "retry": {"max_attempts": 2},
        "batch": {"max_items": None},
    }
    assert merge_options(body, said) == {
        "workload": "a",
        "run_id": "r",
        "retry": {"max_attempts": 2, "factor": 3},
        "batch": None,
    }
