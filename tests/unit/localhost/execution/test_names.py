"""Names that the Functions host takes, and those for which it leaves a function out."""

import pytest

from localhost.execution.bindings import examine
from localhost.execution.contract import AppLoadError, FunctionInfo
from localhost.execution.names import name_problems
from localhost.settings import Settings


def _function(name: str, *bindings: str) -> FunctionInfo:
    described = [{"name": one, "type": "httpTrigger", "direction": "in"} for one in bindings]
    return FunctionInfo(name, described[0], described, is_async=False)


@pytest.mark.parametrize("name", ["a", "A1", "a_b-c", "hosts", "a" * 128, "Z" + "-" * 127])
def test_a_function_may_be_called(name):
    assert not list(name_problems(_function(name, "req", "$return")))


@pytest.mark.parametrize(
    "name",
    ["", "a b", "1a", "_a", "-a", "a.b", "a\n", "ä", "\u212aelvin", "<lambda>", "a" * 129],
)
def test_a_function_may_not_be_called_and_is_told_how(name):
    (problem,) = name_problems(_function(name, "req"))
    assert problem.startswith(f"Function '{name}': its name must begin with a letter")
    assert "@app.function_name()" in problem


@pytest.mark.parametrize("name", ["host", "Host", "HOST"])
def test_the_hosts_own_name_is_not_to_be_had(name):
    (problem,) = name_problems(_function(name, "req"))
    assert "the host's own" in problem


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("my_req", "'myReq'"),
        ("the_input", "'theInput'"),
        ("1a", "'a'"),
        ("_", "'value'"),
        ("", "'value'"),
        ("ä_b", "'b'"),
        ("$other", "'other'"),
        ("_1_2", "'value'"),
        ("a" * 129, f"'{'a' * 128}'"),
    ],
)
def test_a_binding_is_called_by_letters_and_digits_alone(name, proposal):
    (problem,) = name_problems(_function("f", name))
    assert problem.startswith(f"Function 'f': its binding '{name}' must be called by letters")
    assert f"the parameter with it: {proposal}." in problem


def test_two_bindings_of_one_function_differ_by_more_than_case():
    (problem,) = name_problems(_function("f", "req", "Req"))
    assert "two of its bindings are called 'Req'" in problem
    assert not list(name_problems(_function("f", "req", "req2")))


def test_an_app_with_such_a_name_is_not_served():
    settings = Settings("app", {"version": "2.0"}, {})
    with pytest.raises(AppLoadError, match="its binding 'my_req' must be called"):
        examine([_function("f", "my_req")], settings)
