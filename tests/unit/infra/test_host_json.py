"""host.json says what the scale controller has to know, for it reads nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.scripts.host_json import host_json

ROOT = Path(__file__).parents[3]
HOST = json.loads((ROOT / "host.json").read_text())


def durable(backend: str = "AzureStorage", activities: int = 0, orchestrators: int = 0) -> Any:
    return host_json(HOST, backend, activities, orchestrators)["extensions"]["durableTask"]


def test_without_a_wish_it_is_the_file_of_the_repository():
    assert host_json(HOST, "AzureStorage", 0, 0) == HOST


def test_the_scheduler_is_named_as_the_host_hands_it_to_the_scale_controller():
    # FunctionsSyncManager of the host passes the object on, and the connection by this name.
    assert durable("DurableTaskScheduler")["storageProvider"] == {
        "type": "azureManaged",
        "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    }


def test_the_hub_is_called_alike_on_both_backends():
    assert durable("DurableTaskScheduler")["hubName"] == durable()["hubName"]


def test_limits_of_an_instance_stand_in_the_file():
    found = durable(activities=4, orchestrators=7)
    assert found["maxConcurrentActivityFunctions"] == 4
    assert found["maxConcurrentOrchestratorFunctions"] == 7


def test_nothing_else_changes():
    changed = host_json(HOST, "DurableTaskScheduler", 4, 7)
    ours = changed["extensions"].pop("durableTask")
    theirs = HOST["extensions"]["durableTask"]
    assert changed["extensions"] == {
        name: value for name, value in HOST["extensions"].items() if name != "durableTask"
    }
    assert {name for name in ours if ours[name] != theirs[name]} == {
        "maxConcurrentActivityFunctions",
        "maxConcurrentOrchestratorFunctions",
        "storageProvider",
    }


def test_a_backend_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="AzureStorage, DurableTaskScheduler"):
        durable("Netherite")
