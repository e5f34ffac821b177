"""What is served, and what bindings mean with the app's settings."""

from pathlib import Path
from typing import Any

import pytest

from localhost.execution.bindings import examine, full_route
from localhost.execution.contract import AppLoadError, FunctionInfo
from localhost.settings import Settings


def _function(name: str, trigger: dict[str, Any], *others: dict[str, Any]) -> FunctionInfo:
    trigger = {"name": "t", "direction": "in", **trigger}
    return FunctionInfo(name, trigger, [*others, trigger], is_async=False)


def _settings(prefix: str = "api", **environment: str) -> Settings:
    host = {"version": "2.0", "extensions": {"http": {"routePrefix": prefix}}}
    return Settings(Path("app"), host, environment)


def test_settings_in_bindings_are_resolved_in_the_trigger_too() -> None:
    timer = _function("tick", {"type": "timerTrigger", "schedule": "%WHEN%"})
    examined = examine([timer], _settings(WHEN="0 * * * * *"))
    assert examined.enabled[0].trigger["schedule"] == "0 * * * * *"
    assert examined.enabled[0].trigger in examined.enabled[0].bindings


def test_every_problem_is_named_at_once() -> None:
    functions = [
        _function("q", {"type": "eventHubTrigger", "eventHubName": "x"}),
        _function("h", {"type": "httpTrigger"}, {"type": "cosmosDB", "name": "out"}),
        _function("tick", {"type": "timerTrigger", "schedule": "%WHEN%"}),
        _function("a", {"type": "httpTrigger", "route": "Admin/x"}),
    ]
    with pytest.raises(AppLoadError) as refused:
        examine(functions, _settings(prefix=""))
    message = str(refused.value)
    assert "'q'" in message
    assert "eventHubTrigger" in message
    assert "Core Tools" in message
    assert "'out' of type cosmosDB" in message
    assert "%WHEN%" in message
    assert "'Admin/x' conflicts" in message


def test_a_queue_named_by_an_expression_is_not_served() -> None:
    output = {"type": "queue", "name": "sent", "direction": "out", "queueName": "for-{id}"}
    functions = [_function("f", {"type": "httpTrigger"}, output)]
    with pytest.raises(AppLoadError, match=r"'sent' names the queue 'for-{id}'.*--skip-unserved"):
        examine(functions, _settings())
    skipped = examine(functions, _settings(), skips_unserved=True)
    assert (skipped.enabled, len(skipped.skipped)) == ((), 1)


def test_a_disabled_function_may_have_what_is_not_served() -> None:
    function = _function("q", {"type": "queueTrigger"})
    examined = examine([function], _settings(**{"AzureWebJobs.q.Disabled": "true"}))
    assert (examined.enabled, examined.disabled) == ((), (function,))
    assert examined.callable == ()


def test_a_disabled_http_function_may_still_be_called_in_its_place() -> None:
    first = _function("first", {"type": "httpTrigger", "route": "%A%"})
    second = _function("second", {"type": "httpTrigger", "route": "%GONE%"})
    third = _function("third", {"type": "httpTrigger"})
    fourth = _function("fourth", {"type": "activityTrigger"})
    disabled = {f"AzureWebJobs.{name}.Disabled": "1" for name in ("first", "second", "fourth")}
    examined = examine([first, second, third, fourth], _settings(A="a", **disabled))
    assert [info.name for info in examined.callable] == ["first", "third"]
    assert examined.callable[0].trigger["route"] == "a"
    assert [info.name for info in examined.enabled] == ["third"]


@pytest.mark.parametrize(
    ("route", "prefix", "expected"),
    [("a/{b}", "api", "api/a/{b}"), ("/a/", "", "a"), (None, "api", "api/f"), ("", "", "f")],
)
def test_a_route_begins_with_the_prefix_and_is_the_name_where_none_is_given(
    route: str | None, prefix: str, expected: str
) -> None:
    assert full_route(_function("f", {"type": "httpTrigger", "route": route}), prefix) == expected
