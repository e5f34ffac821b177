"""The diagnosis over HTTP: what the app finds wrong with its installation, and what to do.

`fanout doctor` shows it beside what it finds from outside.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import azure.functions as func

from fanout.adapters.messaging import messaging
from fanout.adapters.rows.rows import rows
from fanout.adapters.run_files.files import run_files
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import logger
from fanout.durable import client as durable
from fanout.durable.app import Blueprint
from fanout.models.answers import Diagnosis, Finding
from starters.api import endpoints
from starters.api.health import describe_fault
from starters.api.shell import answer, serve
from starters.diagnosis.findings import (
    SCRIPT_ROOT,
    Installation,
    error,
    find_worst,
    good,
    read_installation,
)
from starters.diagnosis.hub import check_hub
from starters.diagnosis.limits import check_limits
from starters.diagnosis.reach import Reach
from starters.diagnosis.vault import check_vault
from starters.diagnosis.versions import check_versions, find_versions
from starters.single_flight import SingleFlight

bp = Blueprint()
log = logger("http")
# Less than a caller waits for an answer; what takes longer goes on in its thread.
MAX_SECONDS = 15.0
Checks = Callable[[], list[Finding]]


@serve(bp, endpoints.GET_DIAGNOSIS)
async def get_diagnosis(
    req: func.HttpRequest, client: Any, context: func.Context
) -> func.HttpResponse:
    """Look at versions, task hub, storage, Service Bus, clock, limits and vault."""
    installation = read_installation(_folders(context), os.environ, _memory_bytes())
    found = await diagnose(installation, client, _reaches())
    return answer(found)


async def diagnose(
    installation: Installation, client: Any, reaches: dict[str, Checks]
) -> Diagnosis:
    """Look at all sides of an installation, at what may hang side by side.

    Args:
        installation: Its files and settings.
        client: The durable client.
        reaches: What may hang, each under its name.
    """
    waiting = asyncio.gather(*(_call(name, checks) for name, checks in reaches.items()))
    engine, lists = await asyncio.gather(_check_durable(client), waiting)
    findings = [
        *check_versions(installation),
        *check_hub(installation, getattr(client, "task_hub_name", None)),
        engine,
        *(finding for found in lists for finding in found),
        *check_limits(installation, settings()),
        *check_vault(installation),
    ]
    return Diagnosis(
        status=find_worst(findings),
        now=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        versions=find_versions(installation),
        findings=findings,
    )


async def _call(name: str, checks: Checks) -> list[Finding]:
    try:
        return await _calls().call(name, checks, MAX_SECONDS)
    except Exception as failure:
        log.warning("%s: no good answer", name, exc_info=failure)
        reason = describe_fault(failure, MAX_SECONDS)
        remedy = f"Look at the log of the app for '{name}', and whether the service is up."
        return [error(name, f"It cannot be looked at: {reason}.", remedy)]


async def _check_durable(client: Any) -> Finding:
    check = "hub.durable"
    try:
        async with asyncio.timeout(MAX_SECONDS):
            await durable.read_status(client, "health-probe")
    except Exception as failure:  # the SDK of Durable raises Exception itself
        log.warning("%s: no good answer", check, exc_info=failure)
        reason = describe_fault(failure, MAX_SECONDS)
        return error(
            check,
            f"The durable host does not answer: {reason}.",
            "Look at the log of the host for the Durable extension: its bundle must load, and "
            "AzureWebJobsStorage must let it have blobs, queues and tables.",
        )
    return good(check, "the durable host answers")


@lru_cache(maxsize=1)
def _calls() -> SingleFlight:
    return SingleFlight()


def _reaches() -> dict[str, Checks]:
    reach, files, bus = Reach(settings(), describe_fault), run_files(), messaging()
    return {
        "storage.blobs": lambda: reach.check_blobs(files.store, files.container),
        "storage.tables": lambda: reach.check_tables(rows()),
        "storage.sources": lambda: reach.check_sources(files.store),
        "service-bus": lambda: reach.check_service_bus(bus),
    }


def _folders(context: func.Context) -> Iterable[Path]:
    """Where the app may be: as the host says, or beside its functions."""
    named = os.environ.get(SCRIPT_ROOT)
    beside = Path(str(context.function_directory or "."))
    return [*([Path(named)] if named else []), beside, beside.parent, Path.cwd()]


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 0
