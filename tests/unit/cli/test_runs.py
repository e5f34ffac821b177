"""A run's status, written for people."""

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from cli.commands.runs import show_run
from fanout.models.status import RunStatus


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
