"""What the rooms that Azure runs must not do, because its worker or its host bears it badly."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workloads.registered import listed

ROOT = Path(__file__).parents[2]
ROOMS = ("activities", "dashboard", "fanout", "orchestrators", "schedules", "starters", "workloads")
MODULES = [ROOT / "function_app.py", *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]
BUS = "bus.servicebus.windows.net"
# Each is one of host.json's limits, which the threads of a worker are counted from.
LIMITED = {"activityTrigger", "orchestrationTrigger"}
SYNCHRONOUS = """
import inspect
import function_app
for function in function_app.app.get_functions():
    if not inspect.iscoroutinefunction(function.get_user_function()):
        print(function.get_trigger().type, function.get_function_name())
"""
TRIGGERS = """
import function_app
for function in function_app.app.get_functions():
    trigger = function.get_trigger().get_dict_repr()
    if str(trigger["type"]) == "serviceBusTrigger":
        print(function.get_function_name(), trigger["cardinality"].value)
"""


def bare_steps(source: str) -> Iterator[int]:
    """Lines from which StopIteration may come: a step of an iterator that may be at its end."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            is_next = isinstance(node.func, ast.Name) and node.func.id == "next"
            is_method = isinstance(node.func, ast.Attribute) and node.func.attr == "__next__"
            if (is_next and len(node.args) == 1) or is_method:
                yield node.lineno
        elif isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name) and raised.id == "StopIteration":
                yield node.lineno


def test_no_step_of_an_iterator_is_without_a_default():
    # StopIteration that leaves a function is never answered by Microsoft's worker: a future takes
    # none, so the call goes on until functionTimeout.
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in MODULES
        for line in bare_steps(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source", ["a = next(b)", "next(iter(c.d))", "x.__next__()", "raise StopIteration"]
)
def test_such_steps_are_found(source: str):
    assert list(bare_steps(source)) == [1]
    assert list(bare_steps("a = next(b, None)\nraise ValueError")) == []


def test_what_takes_a_thread_is_limited_by_host_json_or_is_a_page():
    # Others, and entities, would take threads that activities and orchestrators were counted for.
    taken = [line.split() for line in listed(SYNCHRONOUS, FANOUT_INBOX="true")]
    assert [name for kind, name in taken if kind not in LIMITED] == ["dashboard"]


def test_messages_of_the_bus_come_one_a_call():
    # In a batch the host leaves out empty texts, so that ids move to other messages.
    assert listed(TRIGGERS, FANOUT_SERVICE_BUS__fullyQualifiedNamespace=BUS) == ["start_runs one"]
