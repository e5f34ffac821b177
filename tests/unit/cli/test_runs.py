"""A run's status, written for people."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from cli.commands.runs import _wait as cli_wait
from cli.commands.runs import list_runs, show_run
from fanout.models.status import RunStatus, Wait


def shown(**told: Any) -> str:
    run = RunStatus(
        run_id="r", workload="w", status="Running", phase="processing", results_url="u", **told
    )
    text = StringIO()
    here: Any = SimpleNamespace(out=Console(file=text, width=200))
    show_run(here, run.model_dump(mode="json"))
    return text.getvalue()


@pytest.mark.parametrize(("number", "times"), [(1, "once"), (3, "3 times")])
def test_how_often_a_run_was_taken_up_is_told_with_the_reason(number: int, times: str):
    text = shown(take_overs=number, take_over_reason="a worker died [137]")
    assert f"{times}, last because: a worker died [137]" in text


def test_nothing_is_told_of_a_run_that_was_never_taken_up():
    assert "taken up" not in shown()


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(reason="places", position=3, waiting=12, running=16), "3 of 12 in line, 16 go on"),
        (Wait(reason="places", waiting=12, running=16), "for a place, as many runs go on as may"),
        (Wait(reason="schedule"), "for an earlier run of its schedule"),
    ],
)
def test_a_queued_run_says_why_it_waits(wait: Wait, words: str):
    assert words in shown(wait=wait)


def test_a_run_of_an_earlier_version_of_the_app_is_shown_though_it_says_nothing_of_waits():
    assert "waits" not in shown()
    assert cli_wait({"phase": "queued"}) == ""


class Pages:
    """An API of two pages, the second with an entry that cannot be read."""

    def pages(self, path: str, **parameters: Any) -> Any:
        run = RunStatus(
            run_id="r1", workload="w", status="Running", phase="processing", results_url="u"
        )
        yield {"runs": [run.model_dump(mode="json")], "continuation": "x"}
        odd = {"run_id": "r[2]", "reason": "KeyError: 'outcome'"}
        yield {"runs": [], "unreadable": [odd], "continuation": None}


def test_a_list_names_the_runs_that_cannot_be_read_beside_it():
    out, err = StringIO(), StringIO()
    here: Any = SimpleNamespace(api=Pages(), out=Console(file=out), err=Console(file=err))
    context: Any = SimpleNamespace(find_object=lambda _: here)
    list_runs(context, limit=0)
    assert "r1" in out.getvalue()
    assert "r[2]" not in out.getvalue()
    assert err.getvalue() == "cannot be read: r[2]: KeyError: 'outcome'\n"
