"""The app's settings, read once from the environment (`local.settings.json` or the portal)."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from fanout.models.numbers import MAX_RATE, MIN_RATE
from fanout.splitting.sizes.budget import DEFAULT_BATCH_BYTES

STORAGE = "FANOUT_STORAGE"
SERVICE_BUS = "FANOUT_SERVICE_BUS"
DEFAULT_MAX_REQUEST_BYTES = 2 * 1_048_576
DEFAULT_MAX_UNCOMPRESSED_BYTES = 64 * 1024**3
DEFAULT_MAX_COMPRESSION_RATIO = 200
DEFAULT_MAX_RUNS = 16
DEFAULT_LEFT_BEHIND_SECONDS = 120
DEFAULT_SCAN_RANGE_BYTES = 64 * 1_048_576
DEFAULT_MAX_RESULT_FILE_BYTES = 64 * 1_048_576
MAX_BATCH_MEMORY = "FANOUT_MAX_BATCH_MEMORY"
# Less has no room for what reading a batch takes at least.
LEAST_BATCH_MEMORY = 8 * 1_048_576
DEFAULT_MAX_REQUESTS_PER_MINUTE = 6000
MIB, TIB = 1024**2, 1024**4
# What whole numbers may be: less makes no run possible, more is no limit any more, or one that the
# memory or the storage of an instance has anyway.
BOUNDS: Mapping[str, range] = {
    "FANOUT_MAX_REQUEST_BYTES": range(1, 100 * MIB + 1),
    "FANOUT_MAX_UNCOMPRESSED_BYTES": range(1, 100 * TIB + 1),
    "FANOUT_MAX_COMPRESSION_RATIO": range(1, 100_001),
    "FANOUT_MAX_RUNS": range(1, 1_001),
    "FANOUT_LEFT_BEHIND_SECONDS": range(1, 604_801),
    "FANOUT_SCAN_RANGE_BYTES": range(1, TIB + 1),
    MAX_BATCH_MEMORY: range(LEAST_BATCH_MEMORY, TIB // 16 + 1),
    "FANOUT_MAX_RESULT_FILE_BYTES": range(1, TIB + 1),
    "FANOUT_RETENTION_DAYS": range(1, 36_501),
    "FANOUT_MAX_REQUESTS_PER_MINUTE": range(1, 1_000_001),
}
_DIGITS = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{0,18}\.?[0-9]{1,18}(?:[eE][+-]?[0-9]{1,3})?")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_MAX_SHOWN_CHARACTERS = 100
INBOX = "inbox"
ANY = "*"


class SettingsError(Exception):
    """A setting is missing or makes no sense; the message names it."""


@dataclass(frozen=True)
class StorageSettings:
    """How to reach the storage account that holds sources and runs.

    Either `connection_string` (the local emulator), or `account_url` with an identity.

    Attributes:
        client_id: Client id of a user-assigned identity; None takes the system-assigned one.
    """

    connection_string: str | None = None
    account_url: str | None = None
    client_id: str | None = None


@dataclass(frozen=True)
class ServiceBusSettings:
    """How to reach the Service Bus namespace: as `StorageSettings`, with its host name.

    Attributes:
        namespace: ``{name}.servicebus.windows.net``.
    """

    connection_string: str | None = None
    namespace: str | None = None
    client_id: str | None = None


@dataclass(frozen=True)
class Settings:
    """Every setting of the app; `local.settings.json.example` lists them with their defaults.

    Attributes:
        max_uncompressed_bytes: How much may come out of a compressed source.
        max_compression_ratio: How many bytes of it for each compressed one.
        max_runs: How many runs the app carries out at once; the rest wait.
        left_behind_seconds: A run that was claimed so long ago and not started is started by the
            watchdog: whoever claimed it is gone.
        scan_range_bytes: A CSV or JSON lines blob of more than two such ranges is planned by one
            activity for each.
        max_batch_memory: How many bytes of memory the items of one batch may take at a time, once
            they are decoded.
        max_result_file_bytes: How long a result file of outcomes gets, before compression.
        service_bus: None where no Service Bus is configured: runs come and go without it.
        has_inbox: Whether a blob dropped into the container `inbox` is run over.
        host: The host name of the app, as its callers know it.
        downstream_rates: Items a second that each downstream takes from all runs together.
        sign_in: Whether callers sign in, so that their roles are asked for and no function keys.
        max_requests_per_minute: How often one caller may call one worker process.
        source_containers: Which containers a caller may have read: their names, or beginnings of
            names with a star at the end. A star alone is any but that of the runs.
        retention_days: How long runs are kept after they began; None keeps them for ever.
    """

    storage: StorageSettings
    runs_container: str = "runs"
    max_request_bytes: int = DEFAULT_MAX_REQUEST_BYTES
    max_uncompressed_bytes: int = DEFAULT_MAX_UNCOMPRESSED_BYTES
    max_compression_ratio: int = DEFAULT_MAX_COMPRESSION_RATIO
    max_runs: int = DEFAULT_MAX_RUNS
    left_behind_seconds: int = DEFAULT_LEFT_BEHIND_SECONDS
    scan_range_bytes: int = DEFAULT_SCAN_RANGE_BYTES
    max_result_file_bytes: int = DEFAULT_MAX_RESULT_FILE_BYTES
    max_batch_memory: int = DEFAULT_BATCH_BYTES
    expose_durable_urls: bool = False
    log_level: str = "INFO"
    retention_days: int | None = None
    service_bus: ServiceBusSettings | None = None
    has_inbox: bool = False
    host: str = "localhost"
    downstream_rates: Mapping[str, float] = field(default_factory=dict)
    sign_in: bool = False
    max_requests_per_minute: int = DEFAULT_MAX_REQUESTS_PER_MINUTE
    source_containers: tuple[str, ...] = (INBOX,)

    @classmethod
    def from_environment(cls, values: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: One is missing or malformed.
        """
        return cls(
            storage=_storage(values),
            runs_container=values.get("FANOUT_RUNS_CONTAINER") or "runs",
            max_request_bytes=_whole(values, "FANOUT_MAX_REQUEST_BYTES", DEFAULT_MAX_REQUEST_BYTES),
            max_uncompressed_bytes=_whole(
                values, "FANOUT_MAX_UNCOMPRESSED_BYTES", DEFAULT_MAX_UNCOMPRESSED_BYTES
            ),
            max_compression_ratio=_whole(
                values, "FANOUT_MAX_COMPRESSION_RATIO", DEFAULT_MAX_COMPRESSION_RATIO
            ),
            max_runs=_whole(values, "FANOUT_MAX_RUNS", DEFAULT_MAX_RUNS),
            left_behind_seconds=_whole(
                values, "FANOUT_LEFT_BEHIND_SECONDS", DEFAULT_LEFT_BEHIND_SECONDS
            ),
            scan_range_bytes=_whole(values, "FANOUT_SCAN_RANGE_BYTES", DEFAULT_SCAN_RANGE_BYTES),
            max_result_file_bytes=_whole(
                values, "FANOUT_MAX_RESULT_FILE_BYTES", DEFAULT_MAX_RESULT_FILE_BYTES
            ),
            max_batch_memory=max_batch_memory(values),
            expose_durable_urls=_flag(values, "FANOUT_EXPOSE_DURABLE_URLS"),
            log_level=_log_level(values),
            retention_days=_whole(values, "FANOUT_RETENTION_DAYS", 0) or None,
            service_bus=_service_bus(values),
            has_inbox=_flag(values, "FANOUT_INBOX"),
            host=values.get("WEBSITE_HOSTNAME") or "localhost",
            downstream_rates=_rates(values, "FANOUT_DOWNSTREAM_RATES"),
            sign_in=_sign_in(values),
            max_requests_per_minute=_whole(
                values, "FANOUT_MAX_REQUESTS_PER_MINUTE", DEFAULT_MAX_REQUESTS_PER_MINUTE
            ),
            source_containers=_source_containers(values),
        )

    def may_read(self, container: str) -> bool:
        """Tell whether a caller may have a container read."""
        if container in self.source_containers:
            return True
        if container == self.runs_container:  # other callers' requests and results are there
            return False
        begins = [name.removesuffix(ANY) for name in self.source_containers if name.endswith(ANY)]
        return container.startswith(tuple(begins))


def not_readable_message(container: str) -> str:
    """What to tell a caller who names a container that callers may not have read."""
    return f"the container '{container}' is none that may be read (FANOUT_SOURCE_CONTAINERS)"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment(os.environ)


def max_batch_memory(values: Mapping[str, str]) -> int:
    """Read how many bytes of memory a batch may take.

    Raises:
        SettingsError: It is malformed.
    """
    return _whole(values, MAX_BATCH_MEMORY, DEFAULT_BATCH_BYTES)


def _storage(values: Mapping[str, str]) -> StorageSettings:
    """Read an identity-based or a connection-string connection, as Functions bindings name them.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
    """
    connection = values.get(STORAGE)
    if connection:
        return StorageSettings(connection_string=connection)
    url = values.get(f"{STORAGE}__blobServiceUri")
    account = values.get(f"{STORAGE}__accountName")
    if not url and account:
        url = f"https://{account}.blob.core.windows.net"
    if not url:
        raise SettingsError(
            f"Set {STORAGE} to a connection string, or {STORAGE}__accountName or "
            f"{STORAGE}__blobServiceUri for a connection by identity."
        )
    return StorageSettings(account_url=url, client_id=values.get(f"{STORAGE}__clientId"))


def _service_bus(values: Mapping[str, str]) -> ServiceBusSettings | None:
    connection = values.get(SERVICE_BUS)
    if connection:
        return ServiceBusSettings(connection_string=connection)
    namespace = values.get(f"{SERVICE_BUS}__fullyQualifiedNamespace")
    if not namespace:
        return None
    return ServiceBusSettings(namespace=namespace, client_id=values.get(f"{SERVICE_BUS}__clientId"))


def _whole(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name)
    if not text:
        return default
    bounds = BOUNDS[name]
    number = int(text) if _DIGITS.fullmatch(text) else None
    if number is None or number not in bounds:
        raise SettingsError(
            f"{name} is '{text[:_MAX_SHOWN_CHARACTERS]}'; it takes a whole number from "
            f"{bounds.start} to {bounds.stop - 1}."
        )
    return number


def _rates(values: Mapping[str, str], name: str) -> dict[str, float]:
    """Read ``shop=50, mail=2.5``."""
    rates = {}
    for entry in filter(None, (part.strip() for part in (values.get(name) or "").split(","))):
        downstream, _, text = entry.partition("=")
        rate = _rate(text.strip())
        if not downstream.strip() or rate is None or downstream.strip() in rates:
            raise SettingsError(
                f"{name} has '{entry[:_MAX_SHOWN_CHARACTERS]}'; it takes downstream=items a "
                f"second, ..., each once, from {MIN_RATE} to {MAX_RATE:.0f}."
            )
        rates[downstream.strip()] = rate
    return rates


def _rate(text: str) -> float | None:
    # Python takes `1_0` for a number, and digits of other scripts.
    rate = float(text) if _DECIMAL.fullmatch(text) else 0.0
    return rate if MIN_RATE <= rate <= MAX_RATE else None


def _log_level(values: Mapping[str, str]) -> str:
    level = (values.get("FANOUT_LOG_LEVEL") or "INFO").upper()
    if level not in LOG_LEVELS:
        shown, levels = level[:_MAX_SHOWN_CHARACTERS], ", ".join(LOG_LEVELS)
        raise SettingsError(f"FANOUT_LOG_LEVEL is '{shown}'; it takes one of {levels}.")
    return level


def _sign_in(values: Mapping[str, str]) -> bool:
    """Read whether callers sign in; to say so where App Service lets them in without is a mistake.

    Source: https://learn.microsoft.com/azure/app-service/reference-app-settings
    """
    is_on = _flag(values, "FANOUT_SIGN_IN")
    if is_on and (values.get("WEBSITE_AUTH_ENABLED") or "true").lower() != "true":
        raise SettingsError(
            "FANOUT_SIGN_IN is true, but the app's authentication is off (WEBSITE_AUTH_ENABLED): "
            "anybody could say who they are. Turn authentication on, or FANOUT_SIGN_IN off."
        )
    return is_on


def _source_containers(values: Mapping[str, str]) -> tuple[str, ...]:
    """Read ``photos, orders-*``; a blob dropped into the inbox is read, whatever is named."""
    name = "FANOUT_SOURCE_CONTAINERS"
    containers = tuple(filter(None, (part.strip() for part in (values.get(name) or "").split(","))))
    for entry in containers:
        if ANY in entry.removesuffix(ANY):
            raise SettingsError(f"{name} has '{entry}'; a star is only at the end.")
    if containers and _flag(values, "FANOUT_INBOX"):
        return (*containers, INBOX)
    return containers or (INBOX,)


def _flag(values: Mapping[str, str], name: str) -> bool:
    return parse_flag(name, values.get(name))


def parse_flag(name: str, text: str | None) -> bool:
    """Read a setting that is true or false; without a value it is false.

    Raises:
        SettingsError: It is neither.
    """
    flag = (text or "false").lower()
    if flag not in ("true", "false", "1", "0"):
        raise SettingsError(f"{name} is '{flag[:_MAX_SHOWN_CHARACTERS]}'; it takes true or false.")
    return flag in ("true", "1")
