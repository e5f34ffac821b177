"""What the host brings along: Azurite, the proxy that fails its calls, broker and mail sink.

It outlives the host that asked for it when the app is reloaded: its addresses stay, and so do the
connections of whoever else uses it.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from localhost.faults import Faults, FaultsError
from localhost.stack.azurite import DEVELOPMENT, Azurite
from localhost.stack.broker.process import ServiceBus, asks_for_broker
from localhost.stack.faulty_proxy import FaultyProxy
from localhost.stack.smtp_sink import DEVELOPMENT as DEVELOPMENT_SMTP
from localhost.stack.smtp_sink import SmtpSink

STACK_FILE = "stack.json"
ENTITIES_FILE = "servicebus.json"
DEFAULT_ENTITIES = Path(__file__).parents[1] / ENTITIES_FILE


class DevelopmentServices:
    """Starts what settings ask for; `start` as often as needed, `stop` at the end.

    Args:
        is_enabled: False to start nothing, whatever the settings say.
        entities: The JSON file of the broker's queues and topics.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        is_enabled: bool = True,
        faults: Faults | None = None,
        entities: Path = DEFAULT_ENTITIES,
    ) -> None:
        self._entities = entities
        self._data_dir = data_dir
        self._is_enabled = is_enabled
        self._faults = faults
        self._exits = contextlib.AsyncExitStack()
        self._setting_names: list[str] = []
        self._addresses: dict[str, str] = {}

    async def start(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Start what these settings need unless it runs; return the settings to override.

        The addresses are left in a file, where other programs find them.

        Raises:
            AzuriteError: The emulator does not start.
            ServiceBusError: The broker does not.
            FaultsError: Its calls are to fail, but it is not needed.
        """
        storage_names = sorted(name for name, value in environment.items() if value == DEVELOPMENT)
        self._check_faults(is_needed=bool(storage_names))
        if not self._is_enabled:
            return {}
        bus_names = sorted(name for name, value in environment.items() if asks_for_broker(value))
        mail_names = sorted(name for name, v in environment.items() if v == DEVELOPMENT_SMTP)
        names = storage_names + bus_names + mail_names
        if names != self._setting_names:
            await self.stop()
            self._addresses = await self._launch(environment)
            self._addresses |= await self._launch_broker(environment)
            self._addresses |= await self._launch_sink(environment)
            self._setting_names = names
        (self._data_dir / STACK_FILE).write_text(json.dumps(self._addresses, indent=2))
        return dict(self._addresses)

    async def stop(self) -> None:
        """Stop what was started."""
        self._setting_names, self._addresses = [], {}
        await self._exits.aclose()

    async def _launch(self, environment: Mapping[str, str]) -> dict[str, str]:
        azurite = Azurite(self._data_dir / "azurite", environment)
        self._exits.push_async_callback(azurite.stop)
        addresses = await azurite.start()
        if self._faults is None or not self._faults.storage.fail:
            return addresses
        proxy = FaultyProxy(addresses, self._faults.storage.fail, self._faults.seed)
        self._exits.push_async_callback(proxy.stop)
        return await proxy.start()

    async def _launch_broker(self, environment: Mapping[str, str]) -> dict[str, str]:
        broker = ServiceBus(self._data_dir / "servicebus", environment, self._entities)
        self._exits.push_async_callback(broker.stop)
        return await broker.start()

    async def _launch_sink(self, environment: Mapping[str, str]) -> dict[str, str]:
        sink = SmtpSink(self._data_dir / "mails", environment)
        self._exits.push_async_callback(sink.stop)
        return await sink.start()

    def _check_faults(self, *, is_needed: bool) -> None:
        if self._faults is None or not self._faults.storage.fail:
            return
        if not self._is_enabled:
            raise _no_storage_to_fail("--no-stack says so")
        if not is_needed:
            raise _no_storage_to_fail(f"no setting says {DEVELOPMENT}")


def _no_storage_to_fail(reason: str) -> FaultsError:
    return FaultsError(
        f"--faults: storage.fail: the host starts no storage emulator, because {reason}."
    )
