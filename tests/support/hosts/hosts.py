"""The host that the end-to-end suite runs on, as `--host` names it, and what it cannot do.

A test says what it needs by markers; what its host lacks, it is skipped for, with the reason.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.hosts.host_process import EMBEDDED, Host, HostProcess, running

STORAGE_VARIABLE = "FANOUT_TEST_STORAGE"
EMBEDDED_NAME = "embedded"
# On two cores, with its storage in an emulator, another host takes so many times as long.
PATIENCE = 3.0

NEEDS = {
    "needs_timers": "timers by the clock",
    "needs_service_bus": "functions triggered by Service Bus",
    "needs_keys": "function keys",
    "needs_blob_trigger": "functions triggered by blobs",
    "needs_restart": "a way to stop it, kill it and start it again",
    "needs_settings": "a way to start it with settings of the test",
    "needs_embedded": "options, files and answers that only the embedded host has",
}
PATH_LACKS = ("needs_timers", "needs_service_bus", "needs_keys", "needs_blob_trigger")
URL_LACKS = ("needs_keys", "needs_restart", "needs_settings")


@dataclass(frozen=True)
class ChosenHost:
    """Where the product runs.

    Attributes:
        command: The program and its first words, where the tests start it.
        origin: Where it answers, where it runs already.
        lacks: The markers of what it cannot do.
        patience: How many times as long as the embedded host it may take.
    """

    name: str
    command: tuple[str, ...] = EMBEDDED
    origin: str | None = None
    lacks: frozenset[str] = field(default=frozenset())
    patience: float = 1.0

    @property
    def is_embedded(self) -> bool:
        """Whether it is our own."""
        return self.command is EMBEDDED and self.origin is None

    @property
    def folder(self) -> Path | None:
        """The folder of the program, if it is one."""
        return None if self.command is EMBEDDED else Path(self.name).resolve().parent

    def why_not(self, need: str) -> str | None:
        """Why a test with this marker cannot run here, if so."""
        return f"{need}: {self.name} lacks {NEEDS[need]}" if need in self.lacks else None

    @contextlib.contextmanager
    def running(
        self, app: Path, folder: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> Iterator[HostProcess]:
        """Start it for an app, with its state and log in `folder`."""
        given = dict(environment or {})
        if not self.is_embedded and "FANOUT_STORAGE" in given:
            given.setdefault("AzureWebJobsStorage", given["FANOUT_STORAGE"])
        with running(app, folder, *options, environment=given, command=self.command) as host:
            yield host

    def at_url(self) -> Host:
        """The one that runs already."""
        parts = urlsplit(self.origin or "")
        return Host(parts.hostname or "127.0.0.1", parts.port or 80)


def chosen_by(config: pytest.Config) -> ChosenHost:
    """Read `--host` and `--host-has`."""
    name = str(config.getoption("--host"))
    has = {f"needs_{word.strip()}" for word in str(config.getoption("--host-has")).split(",")}
    if name == EMBEDDED_NAME:
        return ChosenHost(name)
    also = ("needs_embedded",)
    if name.startswith("http://"):
        lacks = frozenset(URL_LACKS + also) - has
        return ChosenHost(name, origin=name.rstrip("/"), lacks=lacks, patience=PATIENCE)
    path = Path(name).resolve()
    if not path.is_file():
        raise pytest.UsageError(f"--host: '{name}' is neither 'embedded', http://... nor a program")
    words = (sys.executable, str(path)) if path.suffix == ".py" else (str(path),)
    return ChosenHost(name, words, lacks=frozenset(PATH_LACKS + also) - has, patience=PATIENCE)


def choose(config: pytest.Config) -> None:
    """Let the options say which host this session runs on."""
    _CHOSEN[:] = [chosen_by(config)]


def chosen() -> ChosenHost:
    """The host of this session."""
    return _CHOSEN[0]


def patient(seconds: float) -> float:
    """So long on the embedded host, and as much longer on another as that may take."""
    return seconds * chosen().patience


_CHOSEN: list[ChosenHost] = [ChosenHost(EMBEDDED_NAME)]
