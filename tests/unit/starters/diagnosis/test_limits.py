"""Limits that contradict each other are found, each with what to do; those that agree are not."""

from typing import Any

import pytest

from fanout.adapters.settings import Settings
from starters.diagnosis.findings import Installation
from starters.diagnosis.limits import check_limits

MIB = 1_048_576
DURABLE = {"maxConcurrentActivityFunctions": 16, "maxConcurrentOrchestratorFunctions": 16}
HOST = {
    "telemetryMode": "OpenTelemetry",
    "extensions": {"durableTask": DURABLE, "http": {"routePrefix": "api"}},
}
WELL = {
    "FANOUT_STORAGE": "AccountName=a;AccountKey=c2VjcmV0",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
    "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
    "FUNCTIONS_WORKER_RUNTIME": "python",
}
# As Flex Consumption has it, the plan that infra/ deploys: without WEBSITE_INSTANCE_ID.
AZURE = WELL | {"WEBSITE_SKU": "FlexConsumption", "WEBSITE_POD_NAME": "0--1"}
BY_IDENTITY = {"FANOUT_STORAGE": "", "FANOUT_STORAGE__blobServiceUri": "https://a.example"}


def levels(
    settings: dict[str, str], host: Any = None, memory_mib: int = 2048
) -> dict[str, tuple[str, str]]:
    """Level and remedy of each check, for the settings of an app."""
    installation = Installation(HOST if host is None else host, settings, {}, memory_mib * MIB)
    found = check_limits(installation, Settings.from_environment(settings))
    assert all((one.level == "ok") == (one.remedy == "") for one in found)
    assert not any("c2VjcmV0" in one.message + one.remedy for one in found)
    return {one.check: (one.level, one.remedy) for one in found}


@pytest.mark.parametrize("settings", [WELL, AZURE])
def test_limits_that_agree_are_one_finding(settings: dict[str, str]):
    assert levels(settings) == {"limits": ("ok", "")}


CASES: list[tuple[str, dict[str, str], str, str]] = [
    ("limits.threads", {"PYTHON_THREADPOOL_THREAD_COUNT": "16"}, "warning", "to 32"),
    ("limits.threads", {"PYTHON_THREADPOOL_THREAD_COUNT": ""}, "warning", "to 32"),
    ("limits.processes", {"FUNCTIONS_WORKER_PROCESS_COUNT": "1"}, "warning", "to 2"),
    ("limits.memory", {"FANOUT_MAX_BATCH_MEMORY": str(512 * MIB)}, "warning", "Lower FANOUT_MAX"),
    ("limits.memory", {"FUNCTIONS_WORKER_PROCESS_COUNT": "4"}, "warning", "larger instance"),
    (
        "limits.bodies",
        {"FANOUT_MAX_REQUEST_BYTES": "2000", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"},
        "warning",
        "lower FANOUT_MAX_REQUEST_BYTES",
    ),
    ("limits.runtime", {"FUNCTIONS_WORKER_RUNTIME": "node"}, "error", "to python"),
    ("limits.telemetry", {"PYTHON_ENABLE_OPENTELEMETRY": "true"}, "warning", "PYTHON_ENABLE_OPEN"),
    (
        "limits.telemetry",
        {"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "1"},
        "warning",
        "Take PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
    ),
    ("limits.switches", {"AzureWebJobs__watchdog__Disabled": "true"}, "warning", "AzureWebJobs_w"),
    ("limits.switches", {"AzureWebJobs.watchdog.Disabled": "true"}, "error", "Take"),
    ("limits.switches", {"AzureWebJobs_watchdog_Disabled": "1"}, "error", "Take"),
    (
        "limits.switches",
        {"FANOUT_RETENTION_DAYS": "9", "AzureWebJobs.schedule_daily_sweep.Disabled": "True"},
        "warning",
        "FANOUT_RETENTION_DAYS",
    ),
    ("limits.inbox", BY_IDENTITY | {"FANOUT_INBOX": "true"}, "error", "queueServiceUri"),
    (
        "limits.durable-urls",
        {"FANOUT_SIGN_IN": "true", "FANOUT_EXPOSE_DURABLE_URLS": "true"},
        "warning",
        "to false",
    ),
]


@pytest.mark.parametrize(("check", "change", "level", "remedy"), CASES)
def test_what_contradicts_is_named_with_what_to_do(
    check: str, change: dict[str, str], level: str, remedy: str
):
    found = levels(AZURE | change)
    assert found.keys() == {check}
    assert found[check][0] == level
    assert remedy in found[check][1]


@pytest.mark.parametrize(
    "change",
    [
        {"AzureWebJobs.watchdog.Disabled": "false"},
        {"AzureWebJobs.schedule_daily_sweep.Disabled": "true"},
        {"AzureWebJobs.start_runs.Disabled": "true"},
        BY_IDENTITY | {"FANOUT_INBOX": "true", "FANOUT_STORAGE__queueServiceUri": "https://q"},
        {"PYTHON_THREADPOOL_THREAD_COUNT": "40"},
        {"PYTHON_ENABLE_OPENTELEMETRY": "false"},
    ],
)
def test_what_does_not_is_not_named(change: dict[str, str]):
    assert levels(AZURE | change) == {"limits": ("ok", "")}


def test_one_process_and_little_memory_are_well_on_a_machine_of_ones_own():
    assert levels(WELL | {"FUNCTIONS_WORKER_PROCESS_COUNT": ""}, memory_mib=1).keys() == {"limits"}


def test_a_worker_that_exports_is_well_where_the_host_does_not():
    settings = AZURE | {"PYTHON_ENABLE_OPENTELEMETRY": "true"}
    assert levels(settings, {"extensions": HOST["extensions"]}) == {"limits": ("ok", "")}


def test_a_route_prefix_and_limits_that_settings_replace_are_taken_into_account():
    moved = {"extensions": HOST["extensions"] | {"http": {"routePrefix": ""}}}
    assert levels(AZURE, moved)["limits.routes"][0] == "error"
    more = HOST["extensions"]["durableTask"] | {"maxConcurrentEntityFunctions": "8"}
    assert "to 40" in levels(AZURE, {"extensions": {"durableTask": more}})["limits.threads"][1]
    told = levels(AZURE | {"AzureFunctionsJobHost__functionTimeout": "00:10:00"})
    assert told == {"limits.host.json": ("ok", "")}
