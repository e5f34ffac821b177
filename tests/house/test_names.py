"""Functions share one namespace: each has a name that `fanout.naming.functions` lists."""

from pathlib import Path

from fanout.naming import functions
from tests.support.workloads.registered import listed

ROOT = Path(__file__).parents[2]
LIST = """
import function_app
for function in function_app.app.get_functions():
    trigger = function.get_trigger()
    bound = getattr(trigger, "activity", None) or getattr(trigger, "orchestration", None)
    print(function.get_function_name(), bound or getattr(trigger, "entity_name", None) or "-")
"""


CONFIGURED = {
    "FANOUT_NIGHTLY_REPORT": "true",
    "FANOUT_INBOX": "true",
    "FANOUT_SERVICE_BUS__fullyQualifiedNamespace": "bus.servicebus.windows.net",
}
SCHEDULES = {functions.schedule_function(path.stem) for path in (ROOT / "schedules").glob("*.json")}
ON_BY_SETTING = {functions.schedule_function("nightly_report")}


def registered(**settings: str) -> dict[str, str]:
    """Function names, and the names their durable triggers go by."""
    return dict(line.split() for line in listed(LIST, **settings))


def test_the_registered_functions_are_those_that_are_named_and_a_timer_for_each_schedule():
    found = registered(**CONFIGURED)
    assert set(found) == functions.ALL | SCHEDULES
    assert all(durable in ("-", name) for name, durable in found.items())


def test_without_their_settings_the_optional_functions_are_not_registered():
    assert (
        set(registered()) == (functions.ALL | SCHEDULES) - functions.WHEN_CONFIGURED - ON_BY_SETTING
    )


def test_the_composition_root_stays_under_forty_lines():
    assert len((ROOT / "function_app.py").read_text().splitlines()) < 40
