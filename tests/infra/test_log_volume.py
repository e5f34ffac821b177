"""What of the host's records is exported: `host.json` as the host's logging reads it.

A provider's own rules come before the general ones, then the longest category counts, then the rule
that was added last; rules that the host adds in code come after those of `host.json`. These let
all through, and nothing where the worker says that it exports by itself.

Source: LoggerRuleSelector.cs of .NET; OpenTelemetryConfigurationExtensions.cs of the host.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from starters.diagnosis.limits import WORKER_EXPORTS
from tests.support.infra_files import ROOT, module

Logging = Mapping[str, dict[str, dict[str, str]]]
LEVELS = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "None")
HOST_FILES = (
    Path("host.json"),
    *(path.relative_to(ROOT) for path in ROOT.glob("tests/*/apps/*/host.json")),
)
LOGGING = json.loads((ROOT / "host.json").read_text())["logging"]
# Each lets records of any level through: of the host up to 4.1037; later ones drop those of Azure.
IN_CODE = (
    "Function.*",
    "Azure.*",
    "Host.Results",
    "Host.Aggregator",
    "Microsoft.Azure.WebJobs.*",
)
# Of one run of 100 items in ten batches, on Microsoft's Durable extension 3.19.0, every level.
MEASURED = {
    ("Azure.Core", "Information"): 864,
    ("DurableTask.AzureStorage", "Information"): 146,
    ("DurableTask.AzureStorage", "Debug"): 16,
    ("DurableTask.Core", "Debug"): 89,
    ("DurableTask.Core", "Information"): 51,
    ("Function.process_batch", "Information"): 20,
    ("Function.process_batch.User", "Information"): 30,
    ("Function.run", "Information"): 14,
    ("Function.run.User", "Information"): 9,
    ("Function.begin", "Information"): 2,
    ("Function.begin.User", "Information"): 3,
    ("Function.settle", "Information"): 2,
    ("Function.settle.User", "Information"): 3,
    ("Host.Triggers.DurableTask", "Information"): 1,
}
# The same run on the real host, where more was polled: 5,400 records were 4.2 MB.
ON_THE_HOST = {
    ("Azure.Core", "Information"): 2636,
    ("DurableTask.AzureStorage", "Information"): 1104,
    ("DurableTask.Core", "Information"): 447,
}
# A record of Durable has a dozen attributes besides its text.
BYTES_A_RECORD = 1000
MAX_BYTES = 300_000


def rules(logging: Logging, *, worker_exports: bool) -> Iterator[tuple[bool, str, str]]:
    """Whether each is of the provider, its category, its least level; the order is theirs."""
    for section, is_own in ((logging, False), (logging.get("OpenTelemetry", {}), True)):
        for category, level in section.get("logLevel", {}).items():
            yield is_own, "" if category.lower() == "default" else category, level
    for category in IN_CODE:
        yield True, category, "None" if worker_exports else "Trace"


def is_exported(
    category: str, level: str, logging: Logging, *, worker_exports: bool = False
) -> bool:
    """Whether a record leaves by OpenTelemetry."""
    best = (False, -1, "Trace")
    for is_own, pattern, least in rules(logging, worker_exports=worker_exports):
        start, _, end = pattern.lower().partition("*")
        fits = category.lower().startswith(start) and category.lower().endswith(end)
        if fits and (is_own, len(pattern)) >= best[:2]:
            best = (is_own, len(pattern), least)
    return LEVELS.index(level) >= LEVELS.index(best[2])


def exported_bytes(counts: Mapping[tuple[str, str], int]) -> int:
    return BYTES_A_RECORD * sum(
        count for record, count in counts.items() if is_exported(*record, LOGGING)
    )


def test_a_run_of_a_hundred_items_exports_less_than_300_kilobytes():
    assert 0 < exported_bytes(MEASURED) < MAX_BYTES
    assert exported_bytes(ON_THE_HOST) == 0


@pytest.mark.parametrize(
    ("category", "level"),
    [
        ("Function.process_batch.User", "Information"),
        ("Function.run", "Error"),
        ("Host.Function.Console", "Information"),
        ("Host.Triggers.DurableTask", "Error"),
        ("DurableTask.AzureStorage", "Warning"),
        ("Azure.Core", "Warning"),
        ("Host.Startup", "Error"),
    ],
)
def test_what_people_and_alerts_look_for_is_exported(category: str, level: str):
    assert is_exported(category, level, LOGGING)


def test_no_line_of_the_app_is_exported_where_the_worker_exports_and_nothing_makes_it_do_so():
    told = ("Function.process_batch.User", "Error", LOGGING)
    assert is_exported(*told)
    assert not is_exported(*told, worker_exports=True)
    set_in_azure = module("app-settings").variables
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    for name in WORKER_EXPORTS:
        assert name not in str(set_in_azure)
        assert name not in example


@pytest.mark.parametrize("path", HOST_FILES, ids=str)
def test_nothing_is_set_that_counts_for_the_earlier_sdk_alone(path: Path):
    host = json.loads((ROOT / path).read_text())
    if host.get("telemetryMode") == "OpenTelemetry":
        assert "applicationInsights" not in host["logging"]


def test_nothing_is_set_that_the_host_overrules():
    own = LOGGING["OpenTelemetry"]["logLevel"]
    for name in IN_CODE:
        assert name not in own and name.removesuffix(".*") not in {*LOGGING["logLevel"], *own} - {
            # Without the rule in code, which a later host may not have, nothing of a function
            # would be exported.
            "Function"
        }


def test_without_rules_of_its_own_for_the_provider_all_is_exported():
    general = {"logLevel": {"default": "Warning", "Azure.Core": "Warning"}}
    assert is_exported("Azure.Core", "Information", general)
    assert not is_exported("DurableTask.Core", "Information", general)
    with_own = {**general, "OpenTelemetry": {"logLevel": {"Azure.Core": "Error"}}}
    assert not is_exported("Azure.Core", "Warning", with_own)
