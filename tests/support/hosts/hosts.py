"""The host that the end-to-end suite runs on, as `--host` names it, and what it cannot do.

A test says what it needs by markers; what its host lacks, it is skipped for, with the reason.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.hosts.host_process import EMBEDDED, HostProcess, running
from tests.support.live.live_host import LiveHost
from tests.support.live.secret_text import KEY_VARIABLE, SecretText

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
    "needs_same_machine": "a sight of the files and ports of the machine of the tests",
    "needs_spare_time": "time for what no host changes",
}
PATH_LACKS = (
    "needs_timers",
    "needs_service_bus",
    "needs_keys",
    "needs_blob_trigger",
    "needs_spare_time",
)
URL_LACKS = ("needs_restart", "needs_settings")
URLS = ("http://", "https://")


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
        if self.origin is not None:
            raise AssertionError(f"{self.name} runs already: a test that starts it needs_settings")
        given = dict(environment or {})
        if not self.is_embedded and "FANOUT_STORAGE" in given:
            given.setdefault("AzureWebJobsStorage", given["FANOUT_STORAGE"])
        with running(app, folder, *options, environment=given, command=self.command) as host:
            yield host

    def at_url(self) -> LiveHost:
        """The one that runs already, opened by the key of the environment."""
        return LiveHost(self.origin or "", key_at_hand())


def key_at_hand() -> str:
    """The key of the host at a URL; none where it asks for none."""
    return SecretText(os.environ.get(KEY_VARIABLE, ""))


def chosen_by(config: pytest.Config) -> ChosenHost:
    """Read `--host` and `--host-has`."""
    name = str(config.getoption("--host"))
    has = {f"needs_{word.strip()}" for word in str(config.getoption("--host-has")).split(",")}
    if name == EMBEDDED_NAME:
        return ChosenHost(name)
    also = ("needs_embedded",)
    if name.startswith(URLS):
        return at_url(name.rstrip("/"), frozenset(has))
    path = Path(name).resolve()
    if not path.is_file():
        raise pytest.UsageError(f"--host: '{name}' is neither 'embedded', a URL nor a program")
    words = (sys.executable, str(path)) if path.suffix == ".py" else (str(path),)
    return ChosenHost(name, words, lacks=frozenset(PATH_LACKS + also) - has, patience=PATIENCE)


def at_url(origin: str, has: frozenset[str]) -> ChosenHost:
    """A host that runs already, with what it has besides that others may lack."""
    lacks = frozenset((*URL_LACKS, "needs_embedded")) - has
    if not key_at_hand():
        lacks |= {"needs_keys"}
    if not LiveHost(origin).is_local:
        lacks |= {"needs_same_machine"}
    return ChosenHost(origin, origin=origin, lacks=lacks, patience=PATIENCE)


def choose(config: pytest.Config) -> None:
    """Let the options say which host this session runs on."""
    _CHOSEN[:] = [chosen_by(config)]
    is_worker = hasattr(config, "workerinput")
    if chosen().origin is not None and not (is_worker or config.option.collectonly):
        fault = chosen().at_url().find_fault()
        if fault is not None:
            raise pytest.UsageError(f"--host: {fault}")


def chosen() -> ChosenHost:
    """The host of this session."""
    return _CHOSEN[0]


def patient(seconds: float) -> float:
    """So long on the embedded host, and as much longer on another as that may take."""
    return seconds * chosen().patience


_CHOSEN: list[ChosenHost] = [ChosenHost(EMBEDDED_NAME)]
