"""Azurite, the storage emulator: started beside the host on free ports, and stopped with it.

It is started only if a setting asks for it (`UseDevelopmentStorage=true`) and none answers on its
usual ports. A host that is killed takes it down with everything written (`end_with_host.js`); the
next host on the same data waits for that.
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from localhost.stack.child_process import stop_process
from localhost.stack.node import NodeError, node_command

DEVELOPMENT = "UseDevelopmentStorage=true"
SERVICES = ("Blob", "Queue", "Table")
USUAL_PORTS = (10000, 10001, 10002)
# The account of every storage emulator, public by design:
# https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
END_WITH_HOST = Path(__file__).with_name("end_with_host.js")
SCRIPT = Path("node_modules", "azurite", "dist", "src", "azurite.js")
START_SECONDS = 30.0
STOP_SECONDS = 15.0
KEPT_LINES = 40
PAUSE_SECONDS = 0.02
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at http://[^:]+:(\d+)")


class AzuriteError(Exception):
    """Azurite does not run; the message has its last words or says what to do."""


def connection_string(ports: Mapping[str, int]) -> str:
    """Name the emulator's three endpoints; `ports` by service: Blob, Queue, Table."""
    endpoints = "".join(
        f"{service}Endpoint=http://127.0.0.1:{ports[service]}/{ACCOUNT};" for service in SERVICES
    )
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{endpoints}"
    )


class Azurite:
    """One Azurite process.

    Args:
        folder: Where it keeps its data.
        settings: The app's settings; those that ask for development storage get its address.
        may_share: Whether one that runs on the usual ports will do.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str], *, may_share: bool = True
    ) -> None:
        self._folder = folder
        self._may_share = may_share
        self._setting_names = [name for name, value in settings.items() if value == DEVELOPMENT]
        # A file and not a pipe: Azurite would die of a broken pipe before it has written its data.
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None where nothing was started."""
        return None if self._process is None else self._process.pid

    async def start(self) -> dict[str, str]:
        """Start it if it is needed; return the settings to override, by name.

        Raises:
            AzuriteError: It is not installed, or did not start.
        """
        if not self._setting_names:
            return {}
        if self._may_share and await _is_listening(USUAL_PORTS):
            ports = dict(zip(SERVICES, USUAL_PORTS, strict=True))
        else:
            ports = await self._launch()
        return dict.fromkeys(self._setting_names, connection_string(ports))

    async def stop(self) -> None:
        """Stop it if it was started here."""
        process = self._process
        if process is None:
            return
        await stop_process(process, STOP_SECONDS)
        _pid_file(self._folder).unlink(missing_ok=True)
        self._process = None

    async def _launch(self) -> dict[str, int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        await _wait_for_predecessor(self._folder)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_command(self._folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        _pid_file(self._folder).write_text(str(self._process.pid))
        for _ in range(int(START_SECONDS / PAUSE_SECONDS)):
            ports = {service: int(port) for service, port in _LISTENING.findall(self._output)}
            if len(ports) == len(SERVICES):
                return ports
            if self._process.returncode is not None:
                raise AzuriteError(self._complaint("ended at once"))
            await asyncio.sleep(PAUSE_SECONDS)
        await self.stop()
        raise AzuriteError(self._complaint(f"did not start in {START_SECONDS:.0f} s"))

    @property
    def _output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _complaint(self, problem: str) -> str:
        last_words = self._output.splitlines()[-KEPT_LINES:]
        return "\n  ".join([f"Azurite {problem}:", *last_words])


def _command(folder: Path) -> list[str]:
    script = next((p for p in _script_places() if p.exists()), None)
    if script is None:
        raise AzuriteError(
            "Azurite is not installed. Run 'make setup', start one yourself on ports 10000 to "
            "10002, or name a storage account in the settings."
        )
    try:
        node = node_command()
    except NodeError as error:
        raise AzuriteError(str(error)) from error
    ports = [word for service in SERVICES for word in (f"--{service.lower()}Port", "0")]
    # Clients may be newer than the emulator; what they ask of it has not changed.
    options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    return [
        *node,
        "--require",
        str(END_WITH_HOST),
        str(script),
        "--location",
        str(folder),
        *ports,
        *options,
    ]


def _script_places() -> list[Path]:
    return [Path.cwd() / SCRIPT, Path(__file__).parents[2] / SCRIPT]


def _pid_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.pid")


async def _wait_for_predecessor(folder: Path) -> None:
    """Wait for the Azurite of a host that was killed to write its data and end."""
    try:
        pid = int(_pid_file(folder).read_text())
    except (FileNotFoundError, ValueError):
        return
    for _ in range(int(STOP_SECONDS / PAUSE_SECONDS)):
        if not _is_azurite(pid):
            return
        await asyncio.sleep(PAUSE_SECONDS)
    raise AzuriteError(f"Another Azurite (process {pid}) uses {folder}; stop it first.")


def _is_azurite(pid: int) -> bool:
    try:
        return b"azurite" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


async def _is_listening(ports: tuple[int, ...]) -> bool:
    for port in ports:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return True
