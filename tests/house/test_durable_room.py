"""One room knows the Durable SDK: `fanout/durable`.

The rest of the app neither imports it nor calls anything of it, so that another release is a matter
of this room.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "fanout" / "durable"
ROOMS = ("fanout", "workloads", "starters", "orchestrators", "activities", "dashboard", "cli")
PACKAGES = ("azure.durable_functions", "durabletask")
# What contexts, tasks and clients of either release can do; entities among them, which the app does
# without (docs/decisions/0019-rows-not-entities.md).
SDK_NAMES = {
    "call_entity",
    "call_http",
    "call_sub_orchestrator",
    "call_sub_orchestrator_with_retry",
    "create_http_management_payload",
    "create_timer",
    "current_utc_datetime",
    "durable_client_input",
    "get_input",
    "get_orchestration_state",
    "get_status",
    "get_status_all",
    "get_status_by",
    "is_complete",
    "lock_entities",
    "new_guid",
    "new_uuid",
    "orchestration_trigger",
    "purge_instance_history",
    "purge_orchestration",
    "raise_orchestration_event",
    "read_entity_state",
    "rewind",
    "runtime_status",
    "schedule_new_orchestration",
    "set_custom_status",
    "signal_entity",
    "start_new",
    "task_all",
    "task_any",
    "terminate_orchestration",
    "wait_for_external_event",
}
# What the room calls alike is said of it, and not of a context or a client.
SHARED_NAMES = {
    "call_activity",
    "call_activity_with_retry",
    "continue_as_new",
    "raise_event",
    "terminate",
}
SDK_OBJECTS = {"client", "context"}


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [ROOT / "function_app.py", *(path for path in found if ROOM not in path.parents)]


def imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_of_the_sdk(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in PACKAGES)


def sdk_attributes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            is_shared = node.attr in SHARED_NAMES and name in SDK_OBJECTS
            if node.attr in SDK_NAMES or is_shared:
                yield f"{name}.{node.attr}"


def culprits(look: object) -> dict[str, list[str]]:
    said = {str(p.relative_to(ROOT)): [*look(ast.parse(p.read_text()))] for p in modules()}
    return {path: names for path, names in said.items() if names}


def test_nothing_outside_the_room_imports_the_sdk():
    def look(tree: ast.AST) -> Iterator[str]:
        return filter(is_of_the_sdk, imported_names(tree))

    assert culprits(look) == {}


def test_nothing_outside_the_room_calls_the_sdk():
    assert culprits(sdk_attributes) == {}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("yield context.task_all(tasks)", ["context.task_all"]),
        ("self.context.call_activity(name)", ["context.call_activity"]),
        ("self.client.raise_event(instance, name)", ["client.raise_event"]),
        ("durable.call_activity(context, name, message)", []),
        ("durable.raise_event(client, instance, name)", []),
    ],
)
def test_a_call_of_the_sdk_is_told_from_one_of_the_room(code: str, names: list[str]):
    assert [*sdk_attributes(ast.parse(code))] == names


@pytest.mark.parametrize("module", ["client", "orchestration"])
def test_both_releases_are_used_by_the_same_functions(module: str):
    def functions(release: str) -> dict[str, list[str]]:
        tree = ast.parse((ROOM / release / f"{module}.py").read_text())
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = [node for node in tree.body if isinstance(node, kinds)]
        return {node.name: [argument.arg for argument in node.args.args] for node in found}

    assert functions("sdk1") == functions("sdk2")
    door = ast.parse((ROOM / f"{module}.py").read_text())
    passed_on = {node.attr for node in ast.walk(door) if isinstance(node, ast.Attribute)}
    assert passed_on == functions("sdk1").keys() - {"adapt"}


@pytest.mark.parametrize("has_python", [True, False])
def test_the_lane_of_the_sdk_2_says_so_where_there_is_no_python_for_it(has_python: bool):
    command = ["make", "-n" if has_python else "-s", "test-sdk2"]
    python = sys.executable if has_python else ""
    # Whatever `setup` would do is as if it were done.
    done = ["-o", ".venv/.setup", f"SDK2_PYTHON={python}"]
    run = subprocess.run([*command, *done], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ("tests/sdk2" in run.stdout) == has_python
    assert ("no Python 3.13" in run.stdout.splitlines()[0]) or has_python
