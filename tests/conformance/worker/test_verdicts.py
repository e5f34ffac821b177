"""The embedded host takes the functions and apps that the worker of Azure takes, and no others."""

import json
import sys
from pathlib import Path

import pytest

from localhost.execution.contract import AppLoadError
from localhost.worker.indexing import load_app, read_function
from localhost.worker.signatures import SignatureError
from tests.conformance.worker.functions import ANNOTATED, SCRIPTS, TIMED, functions

# The library's advice to its own users.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions:DeprecationWarning")
VERDICTS = json.loads(Path(__file__).with_name("verdicts.json").read_text(encoding="utf-8"))


def test_a_function_is_taken_where_the_worker_takes_it_and_else_refused():
    differing = []
    for place, value, built in functions():
        try:
            read_function(built)
            refusal = None
        except SignatureError as error:
            refusal = str(error)
        if (refusal is None) != (value in VERDICTS[place]):
            differing.append((place, value, refusal or "taken"))
    assert not differing


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_app_is_taken_where_the_worker_takes_it_and_else_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    (tmp_path / "function_app.py").write_text(SCRIPTS[name], encoding="utf-8")
    try:
        load_app(tmp_path)
        is_taken = True
    except AppLoadError:
        is_taken = False
    assert is_taken == (name in VERDICTS["scripts"])


def test_the_record_is_of_these_cases():
    assert VERDICTS.keys() == ANNOTATED.keys() | TIMED.keys() | {"scripts"}
    assert set(VERDICTS["scripts"]) < SCRIPTS.keys()
