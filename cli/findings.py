"""What is wrong with an installation, seen from outside; and what the app says of itself."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from cli.api import Api, Look
from cli.errors import ApiError, CommandError
from cli.settings import ClientSettings
from cli.uploads import find_container_fault

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
NOTABLE_SKEW = timedelta(seconds=30)
# Tokens are refused that begin later than now, or ended before.
BAD_SKEW = timedelta(minutes=5)
BUNDLE_MAJOR = 4
INBOX = "inbox"
_NUMBER = re.compile(r"\d+")


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What one check came to; `remedy` says what to do where it is not well."""

    check: str
    level: str
    message: str
    remedy: str = ""


@dataclass
class Examination:
    """All that was found.

    Attributes:
        versions: By the name of what has it.
    """

    findings: list[Finding] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The worst level of all; one of a newer app that is unknown here counts as an error."""
        levels = {finding.level for finding in self.findings}
        if levels <= {Level.OK}:
            return Level.OK
        return Level.WARNING if levels <= {Level.OK, Level.WARNING} else Level.ERROR

    def add(self, check: str, level: Level, message: str, remedy: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(check, level, message, remedy))

    @property
    def document(self) -> dict[str, Any]:
        """All of it, for programs."""
        findings = [asdict(finding) for finding in self.findings]
        return {"status": str(self.status), "versions": self.versions, "findings": findings}


def examine(api: Api, settings: ClientSettings) -> Examination:
    """Look at an app from outside, and have it look at itself."""
    found = Examination()
    if _examine_health(found, api, settings.url):
        _examine_host(found, api)
        _examine_inside(found, api)
    _examine_storage(found, settings)
    return found


def _examine_health(found: Examination, api: Api, url: str) -> bool:
    """Ask whether the app is there and well; tell whether it is there."""
    check = "outside.app"
    try:
        look = api.look("/api/health")
    except CommandError as error:
        found.add(check, Level.ERROR, str(error), "Start the app, or name another by --url.")
        return False
    dependencies = look.body.get("dependencies")
    if not isinstance(dependencies, dict):
        found.add(
            check,
            Level.ERROR,
            f"/api/health answers {look.status} and tells of no Fanout app.",
            "Look at the address (--url), and in the log of the host for why the app did not load.",
        )
        return False
    found.add(check, Level.OK, f"the app answers at {url}")
    for name, state in dependencies.items():
        if state != "up":
            remedy = "See what the checks of the app say of it."
            found.add(f"outside.{name}", Level.ERROR, f"{name} is {state}.", remedy)
    _examine_address(found, url)
    _examine_clock(found, look)
    return True


def _examine_address(found: Examination, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOCAL_NAMES:
        message = "The address begins with http://: keys and tokens can be read on the way."
        found.add("outside.address", Level.WARNING, message, "Use https://.")


def _examine_clock(found: Examination, look: Look) -> None:
    check = "outside.clock"
    try:
        sent = parsedate_to_datetime(look.date or "")
    except ValueError:
        return
    skew = sent.astimezone(UTC) - datetime.now(UTC)
    if abs(skew) < NOTABLE_SKEW:
        found.add(check, Level.OK, "the clocks of this machine and of the app agree")
        return
    level = Level.ERROR if abs(skew) >= BAD_SKEW else Level.WARNING
    side = "behind" if skew > timedelta(0) else "ahead of"
    message = f"The clock of this machine is {abs(skew.total_seconds()):.0f} s {side} the app's."
    found.add(check, level, message, "Set the clock (NTP): tokens and signatures have a time.")


def _examine_host(found: Examination, api: Api) -> None:
    """Ask the host for its versions, which it tells only to who has its master key."""
    try:
        look = api.look("/admin/host/status")
    except CommandError:
        return
    if look.status != 200:
        return
    found.versions["host"] = str(look.body.get("version", "unknown"))
    errors = look.body.get("errors") or []
    for text in errors if isinstance(errors, list) else []:
        remedy = "Look in the log of the host; the app or an extension did not load."
        found.add("outside.host", Level.ERROR, str(text), remedy)
    bundle = look.body.get("extensionBundle")
    text = str(bundle.get("version", "")) if isinstance(bundle, dict) else ""
    number = _NUMBER.search(text)
    if number is not None and int(number[0]) != BUNDLE_MAJOR:
        message = f"The host has the extension bundle {text}; the app takes {BUNDLE_MAJOR}.x."
        remedy = 'Let "extensionBundle" of host.json have the version [4.*, 5.0.0).'
        found.add("outside.bundle", Level.ERROR, message, remedy)


def _examine_inside(found: Examination, api: Api) -> None:
    check = "inside"
    try:
        told = api.get("diagnosis")
    except ApiError as error:
        found.add(check, *_refusal(error))
        return
    except CommandError as error:
        found.add(check, Level.ERROR, str(error), "Look at what stands before the app.")
        return
    found.versions |= {str(name): str(text) for name, text in told.get("versions", {}).items()}
    found.findings += _told_findings(told.get("findings", []))


def _told_findings(findings: Iterable[dict[str, Any]]) -> list[Finding]:
    names = ("check", "level", "message", "remedy")
    return [Finding(*(str(one.get(name, "")) for name in names)) for one in findings]


def _refusal(error: ApiError) -> tuple[Level, str, str]:
    match error.status:
        case 401:
            remedy = "Give a key (FANOUT_KEY) or a token (FANOUT_TOKEN)."
            return Level.ERROR, "The app lets nobody look inside without a key or token.", remedy
        case 403:
            remedy = "Ask somebody who has the role Fanout.Admin."
            return Level.WARNING, "You may not look inside the app.", remedy
        case 404:
            remedy = "Deploy the app of this version, to have it look at itself."
            return Level.WARNING, "The app is older than this command.", remedy
    return Level.ERROR, f"The app cannot look at itself: {error}", "Look in the log of the app."


def _examine_storage(found: Examination, settings: ClientSettings) -> None:
    """Look at where `submit --data` uploads to, if there is such a place."""
    check = "outside.storage"
    if not (settings.storage or settings.account_url):
        return
    fault = find_container_fault(settings, INBOX)
    if fault is None:
        found.add(check, Level.OK, f"the container '{INBOX}' for --data can be reached")
    else:
        found.add(
            check,
            Level.WARNING,
            f"The container '{INBOX}', which --data is uploaded to, cannot be reached: {fault}.",
            "Make it, or look at FANOUT_STORAGE of this machine and at your role in the account "
            "(Storage Blob Data Contributor).",
        )
