"""Storage and Service Bus: whether they can be reached, and whether the app has its roles there.

Each is tried by what the app does: a blob and a row of the diagnosis alone are written, read and
deleted again. To Service Bus nothing is sent.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from fanout.adapters.blob import BlobStore
from fanout.adapters.messaging import Messaging
from fanout.adapters.patience import limit_patience
from fanout.adapters.rows.rows import Rows
from fanout.adapters.settings import ANY, INBOX, Settings
from fanout.adapters.tables import Write
from fanout.adapters.telemetry.logs import logger
from fanout.models.answers import Finding
from fanout.naming.blob_paths import DIAGNOSIS_FOLDER
from fanout.naming.row_keys import DIAGNOSIS_PARTITION
from starters.diagnosis.findings import error, good, warning

log = logger("http")
# For all that is asked of one service.
MAX_SECONDS = 8.0
# Storage refuses a call that is signed by a clock a quarter of an hour off; leases and timers are
# wrong long before.
# Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
BAD_SKEW = timedelta(minutes=10)
NOTABLE_SKEW = timedelta(seconds=30)
CONTENT = b"written by a diagnosis, and deleted by it"
Describe = Callable[[Exception, float], str]
Steps = Mapping[str, Callable[[], None]]
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Reach:
    """Tries what the app depends on.

    Args:
        settings: Those of the app.
        describe: Says why a service does not serve, without addresses.
    """

    def __init__(self, settings: Settings, describe: Describe) -> None:
        self._settings = settings
        self._describe = describe

    def check_blobs(self, store: BlobStore, container: str) -> list[Finding]:
        """Write, read and delete a blob beside the runs, and compare clocks by it."""
        blob = f"{DIAGNOSIS_FOLDER}{secrets.token_hex(8)}"
        findings: list[Finding] = []
        # A clock that is too far off is refused as a missing role is.
        wrong_clock: list[Finding] = []

        def ping() -> None:
            try:
                store.ping(container)
            except HttpResponseError as refusal:
                if is_refused_by_clock(refusal):
                    wrong_clock.append(check_skew(find_skew(refusal)))
                raise

        def write() -> None:
            store.write(container, blob, CONTENT)

        def read() -> None:
            if store.read(container, blob) != CONTENT:
                raise ValueError("it reads other than what was written")

        def compare() -> None:
            now = datetime.now(UTC)
            (entry,) = store.entries(container, blob)
            findings.append(check_skew(entry.last_modified - now))

        first = {"reach": ping}
        steps = {"write": write, "read": read, "list": compare}
        delete = {"delete": lambda: store.delete(container, blob)}
        role = f"Storage Blob Data Contributor on the container '{container}' of FANOUT_STORAGE"
        found = self._try("storage.blobs", role, first, steps, delete)
        return [*wrong_clock, found, *findings]

    def check_tables(self, rows: Rows) -> list[Finding]:
        """Write, read and delete a row beside those of the runs."""
        key = secrets.token_hex(8)

        def write() -> None:
            rows.tables.write(rows.table, DIAGNOSIS_PARTITION, [Write(key, {"n": 1})])

        def read() -> None:
            if key not in rows.tables.read(rows.table, DIAGNOSIS_PARTITION, [key]):
                raise ValueError("it reads other than what was written")

        first = {"reach": rows.ping}
        steps = {"write": write, "read": read}
        delete = {"delete": lambda: rows.tables.delete(rows.table, DIAGNOSIS_PARTITION, [key])}
        role = f"Storage Table Data Contributor on the table '{rows.table}' of FANOUT_STORAGE"
        return [self._try("storage.tables", role, first, steps, delete)]

    def check_sources(self, store: BlobStore) -> list[Finding]:
        """Look into each container that requests may have read, by its name."""
        names = [name for name in self._settings.source_containers if not name.endswith(ANY)]
        return [self._check_source(store, name) for name in names]

    def check_service_bus(self, messaging: Messaging | None) -> list[Finding]:
        """Open what the app sends by; nothing is sent."""
        check = "service-bus"
        if messaging is None:
            return [good(check, "no Service Bus is set: runs come by HTTP and schedule alone")]
        role = "Azure Service Bus Data Sender on the namespace of FANOUT_SERVICE_BUS"
        return [self._try(check, role, {"send": messaging.ping})]

    def _check_source(self, store: BlobStore, name: str) -> Finding:
        check = f"storage.source.{name}"

        def look() -> None:
            store.ping(name)
            for _ in store.entries(name, DIAGNOSIS_FOLDER):
                return

        try:
            with limit_patience(MAX_SECONDS):
                look()
        except ResourceNotFoundError:
            if self._settings.source_containers == (INBOX,) and not self._settings.has_inbox:
                return good(check, f"the container '{name}' is not there yet")
            return warning(
                check,
                f"The container '{name}' of FANOUT_SOURCE_CONTAINERS is not there.",
                f"Make it, or take '{name}' out of FANOUT_SOURCE_CONTAINERS.",
            )
        except Exception as failure:  # noqa: BLE001  whatever it is, it is a finding
            return self._tell(check, "list", failure, f"Storage Blob Data Reader on '{name}'")
        return good(check, f"the container '{name}' can be read")

    def _try(
        self,
        check: str,
        role: str,
        first: Steps,
        steps: Steps | None = None,
        last: Steps | None = None,
    ) -> Finding:
        """Take steps one after the other, up to the first that fails.

        Args:
            check: What is looked at.
            role: What the identity of the app needs for that.
            first: What is asked once and quickly; where it fails nothing else is tried.
            steps: What the app does there.
            last: What is done whatever became of those.
        """
        with limit_patience(MAX_SECONDS):
            failures = _failures(first) or [*_failures(steps or {}), *_failures(last or {})]
        if failures:
            return self._tell(check, *failures[0], role)
        verbs = ", ".join({**first, **(steps or {}), **(last or {})})
        return good(check, f"the app can {verbs} there")

    def _tell(self, check: str, verb: str, failure: Exception, role: str) -> Finding:
        log.warning("%s: it could not %s", check, verb, exc_info=failure)
        reason = self._describe(failure, MAX_SECONDS)
        message = f"The app cannot {verb} there: {reason}."
        if is_refused_by_clock(failure):
            remedy = "Set the clock of the machine (NTP): that of the service differs by minutes."
            return error(check, message, remedy)
        if getattr(failure, "status_code", None) in _REFUSALS or "Authentication" in reason:
            return error(
                check,
                message,
                f"Give the app's identity the role {role} (infra/modules/roles.bicep); a role "
                "takes some minutes. With a connection string, look at its key.",
            )
        return error(
            check,
            message,
            "Look at the address in the setting, at the firewall and private endpoints of the "
            "service, and at whether it is up.",
        )


def _failures(steps: Steps) -> list[tuple[str, Exception]]:
    """Take steps until one fails, and give that."""
    for verb, step in steps.items():
        try:
            step()
        except Exception as failure:  # noqa: BLE001  whatever it is, it is a finding
            return [(verb, failure)]
    return []


def is_refused_by_clock(failure: Exception) -> bool:
    """Whether a service refused a call, and its clock differs by so much that this may be why."""
    is_refused = getattr(failure, "status_code", None) in _REFUSALS
    return is_refused and abs(find_skew(failure)) >= BAD_SKEW


def find_skew(failure: Exception) -> timedelta:
    """By how much the clock of who gave a failing answer is ahead; none where it does not say."""
    headers = getattr(getattr(failure, "response", None), "headers", None) or {}
    try:
        told = parsedate_to_datetime(headers["Date"])
        return told.astimezone(UTC) - datetime.now(UTC)
    except (KeyError, ValueError, OverflowError):
        return timedelta()


def check_skew(skew: timedelta) -> Finding:
    """Judge by how much the clock of storage is ahead of the app's; storage tells whole seconds."""
    check, seconds = "clock", skew.total_seconds()
    if abs(skew) < NOTABLE_SKEW:
        return good(check, "the clocks of app and storage agree")
    make = error if abs(skew) >= BAD_SKEW else warning
    side = "behind" if seconds > 0 else "ahead of"
    return make(
        check,
        f"The clock of the app is {abs(seconds):.0f} s {side} that of storage.",
        "Set the clock of the machine (NTP): storage refuses calls that are a quarter of an hour "
        "off, and schedules run at wrong times.",
    )
