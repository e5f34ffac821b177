"""Limits that contradict each other: `host.json` against app settings against those of Fanout."""

from collections.abc import Callable, Iterable

from fanout.adapters.settings import Settings
from fanout.models.answers import Finding
from fanout.naming import functions
from starters.diagnosis.findings import OVERRIDE, Installation, error, good, warning

THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
PROCESSES = "FUNCTIONS_WORKER_PROCESS_COUNT"
BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
# What the host takes where the setting is left out.
USUAL_BODY_BYTES = 104_857_600
RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
# With either of them the worker says that it exports by itself, and the host leaves its lines out.
# Source: OpenTelemetryConfigurationExtensions.cs of the Functions host.
WORKER_EXPORTS = ("PYTHON_ENABLE_OPENTELEMETRY", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY")
DURABLE = "extensions/durableTask"
# Of the Durable extension on an instance of one core, where host.json does not say.
USUAL_CONCURRENCY = 10
MIB = 1_048_576
# docs/reference/settings.md: the peak of a worker process, and what the host takes beside them.
PROCESS_MIB, BATCHES_A_PROCESS = 160, 4
HOST_MIB, FREE_MIB = 300, 272
_DISABLED = "Disabled"
_TRUE = ("true", "1")
_TRUE_TO_WORKER = frozenset({"1", "true", "t", "yes", "y"})
Check = Callable[[Installation, Settings], Iterable[Finding]]


def check_limits(installation: Installation, settings: Settings) -> list[Finding]:
    """Compare limits; where none contradict each other, one finding says so."""
    checks: tuple[Check, ...] = (
        _check_threads,
        _check_processes,
        _check_memory,
        _check_bodies,
        _check_routes,
        _check_runtime,
        _check_telemetry,
        _check_switches,
        _check_inbox,
        _check_durable_urls,
    )
    found = [finding for check in checks for finding in check(installation, settings)]
    replaced = sorted(name for name in installation.environment if name.startswith(OVERRIDE))
    if replaced:
        text = ", ".join(replaced)
        found.append(good("limits.host.json", f"app settings replace values of host.json: {text}"))
    return found or [good("limits", "no limits contradict each other")]


def read_count(text: object) -> int | None:
    """A whole number of a setting or of host.json; None where it is none."""
    try:
        return int(str(text))
    except ValueError:
        return None


def sum_of_limits(installation: Installation) -> int:
    """How many functions of Durable the host lets run at a time in an instance."""
    names = ("Activity", "Orchestrator", "Entity")
    texts = [
        installation.find(f"{DURABLE}/maxConcurrent{name}Functions", default)
        for name, default in zip(names, (USUAL_CONCURRENCY, USUAL_CONCURRENCY, 0), strict=True)
    ]
    return sum(read_count(text) or 0 for text in texts)


def _check_threads(installation: Installation, _: Settings) -> Iterable[Finding]:
    wanted, text = sum_of_limits(installation), installation.environment.get(THREADS, "")
    threads = read_count(text)
    if threads is not None and threads >= wanted:
        return
    set_to = f"It is {text}" if text else "It is not set"
    yield warning(
        "limits.threads",
        f"{THREADS} is below what host.json lets run at a time ({wanted}). {set_to}: with all "
        "threads in activities, orchestrators wait for one.",
        f"Set {THREADS} to {wanted}, or lower the maxConcurrent... of host.json.",
    )


def _check_processes(installation: Installation, _: Settings) -> Iterable[Finding]:
    if installation.is_in_azure and _processes(installation) < 2:
        yield warning(
            "limits.processes",
            f"{PROCESSES} is 1: where the only worker process dies, turns of orchestrations fail.",
            f"Set {PROCESSES} to 2.",
        )


def _check_memory(installation: Installation, settings: Settings) -> Iterable[Finding]:
    if not (installation.is_in_azure and installation.memory_bytes):
        return
    processes, has = _processes(installation), installation.memory_bytes // MIB + FREE_MIB
    peak = PROCESS_MIB + BATCHES_A_PROCESS * settings.max_batch_memory // MIB
    if processes * peak + HOST_MIB > has:
        yield warning(
            "limits.memory",
            f"{processes} worker processes may take {processes * peak} MiB at FANOUT_MAX_BATCH_"
            f"MEMORY={settings.max_batch_memory}; the instance has {has - HOST_MIB} MiB for them.",
            f"Lower FANOUT_MAX_BATCH_MEMORY or {PROCESSES}, or take a larger instance "
            "(docs/reference/settings.md, memory of a batch).",
        )


def _processes(installation: Installation) -> int:
    return read_count(installation.environment.get(PROCESSES, "")) or 1


def _check_bodies(installation: Installation, settings: Settings) -> Iterable[Finding]:
    most = read_count(installation.environment.get(BODY_LIMIT, "")) or USUAL_BODY_BYTES
    if settings.max_request_bytes > most:
        yield warning(
            "limits.bodies",
            f"FANOUT_MAX_REQUEST_BYTES is {settings.max_request_bytes}; the host lets through "
            f"{most} bytes ({BODY_LIMIT}).",
            f"Raise {BODY_LIMIT}, or lower FANOUT_MAX_REQUEST_BYTES.",
        )


def _check_routes(installation: Installation, _: Settings) -> Iterable[Finding]:
    prefix = installation.find("extensions/http/routePrefix", "api")
    if prefix != "api":
        yield error(
            "limits.routes",
            f"host.json has the route prefix '{prefix}'; all addresses of the app have 'api'.",
            'Let extensions.http.routePrefix of host.json be "api".',
        )


def _check_runtime(installation: Installation, _: Settings) -> Iterable[Finding]:
    runtime = installation.environment.get(RUNTIME, "python")
    if runtime != "python":
        remedy = f"Set {RUNTIME} to python."
        yield error("limits.runtime", f"{RUNTIME} is '{runtime}', and this app is Python.", remedy)


def _check_telemetry(installation: Installation, _: Settings) -> Iterable[Finding]:
    if str(installation.find("telemetryMode", "")).lower() != "opentelemetry":
        return
    for name in WORKER_EXPORTS:
        if installation.environment.get(name, "").strip().lower() in _TRUE_TO_WORKER:
            yield warning(
                "limits.telemetry",
                f"{name} is set: the host leaves all lines of the app out of what it exports, and "
                "nothing else exports them.",
                f"Take {name} out of the settings; traces and metrics do without it.",
            )


def _check_switches(installation: Installation, settings: Settings) -> Iterable[Finding]:
    """Functions that are switched off, and switches that the host does not read."""
    for name, text in sorted(installation.environment.items()):
        if name.startswith("AzureWebJobs__") and name.endswith(f"__{_DISABLED}"):
            function = name.split("__")[1]
            yield warning(
                "limits.switches",
                f"The host does not read the setting {name}.",
                f"Write AzureWebJobs_{function}_{_DISABLED} (or with dots, where names may have "
                "them).",
            )
        elif text.lower() in _TRUE and name.endswith(_DISABLED):
            yield from _check_switch(name, settings)


def _check_switch(name: str, settings: Settings) -> Iterable[Finding]:
    head, _, rest = name.replace("_Disabled", ".Disabled").partition("AzureWebJobs")
    function = rest[1:].removesuffix(f".{_DISABLED}")
    if head or function not in (functions.WATCHDOG, functions.schedule_function("daily_sweep")):
        return
    if function == functions.WATCHDOG:
        yield error(
            "limits.switches",
            f"{name} is true: nobody starts runs that were left behind, and none is taken over.",
            f"Take {name} out of the settings.",
        )
    elif settings.retention_days is not None:
        yield warning(
            "limits.switches",
            f"FANOUT_RETENTION_DAYS is {settings.retention_days}, and {name} is true: nothing is "
            "deleted.",
            f"Take {name} out of the settings, or FANOUT_RETENTION_DAYS.",
        )


def _check_inbox(installation: Installation, settings: Settings) -> Iterable[Finding]:
    environment = installation.environment
    by_identity = settings.storage.connection_string is None
    if settings.has_inbox and by_identity and not _has_queues(environment.keys()):
        yield error(
            "limits.inbox",
            "FANOUT_INBOX is true, and FANOUT_STORAGE names no queues: the trigger of blobs takes "
            "them.",
            "Set FANOUT_STORAGE__queueServiceUri beside FANOUT_STORAGE__blobServiceUri.",
        )


def _has_queues(names: Iterable[str]) -> bool:
    return not {"FANOUT_STORAGE__queueServiceUri", "FANOUT_STORAGE__accountName"}.isdisjoint(names)


def _check_durable_urls(_: Installation, settings: Settings) -> Iterable[Finding]:
    if settings.sign_in and settings.expose_durable_urls:
        yield warning(
            "limits.durable-urls",
            "Callers sign in (FANOUT_SIGN_IN), and are given the key of the task hub "
            "(FANOUT_EXPOSE_DURABLE_URLS), with which nobody asks for their roles.",
            "Set FANOUT_EXPOSE_DURABLE_URLS to false.",
        )
