"""A number of the command line that no app takes is refused before anything is sent."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from cli import numbers
from cli.app import app
from cli.commands.options import parse_tolerance
from cli.errors import CommandError
from fanout.models import numbers as bounds
from fanout.models.request import MAX_BATCHES_AT_ONCE, RunRequest

MANY = "9" * 5_000
ODD = ["nan", "inf", "-inf", "1e999", "-1", MANY, "1e-12"]
SUBMIT = ["submit", "-w", "w", "-s", "csv:inbox/a.csv"]


def refusals() -> Iterator[list[str]]:
    for odd in ODD:
        for option in ("--rate", "--concurrency", "--attempts", "--max-items", "--batch-items"):
            yield [*SUBMIT, f"{option}={odd}"]
        yield [*SUBMIT, f"--tolerate={odd}%"] if odd != "1e-12" else [*SUBMIT, "--tolerate=1e-12"]
        yield ["set", "r", f"--rate={odd}"]
        yield ["set", "r", f"--concurrency={odd}"]
        yield ["redrive", "r", f"--attempts={odd}"]
        if odd != "1e-12":
            yield ["watch", "r", f"--timeout={odd}"]
        yield ["list", f"--limit={odd}"]


@pytest.mark.parametrize("words", list(refusals()), ids=lambda words: " ".join(words)[:60])
def test_it_is_refused_and_told_shortly(words: list[str]):
    # Nobody listens there: what is sent ends otherwise.
    done = CliRunner().invoke(app, ["--url", "http://127.0.0.1:9", *words])
    assert done.exit_code != 0
    told = done.output + str(done.exception)
    assert "does not answer" not in told, told[:300]
    assert isinstance(done.exception, SystemExit | CommandError)


@pytest.mark.parametrize("text", ["101%", "-1%", "nan%", "inf%", "-1", "1.5", MANY, f"{MANY}%"])
def test_a_tolerance_is_a_count_or_a_percentage(text: str):
    with pytest.raises(CommandError) as refused:
        parse_tolerance(text)
    assert len(str(refused.value)) < 200


def test_the_bounds_are_those_of_the_app():
    schema = json.dumps(RunRequest.model_json_schema())
    assert (numbers.MIN_RATE, numbers.MAX_RATE) == (bounds.MIN_RATE, bounds.MAX_RATE)
    assert numbers.MAX_COUNT == bounds.MAX_COUNT
    assert numbers.MAX_BATCHES == MAX_BATCHES_AT_ONCE
    for most in (numbers.MAX_TRIES, numbers.MAX_BATCH_ITEMS):
        assert f'"maximum": {most},' in schema
