"""An Azurite that is stopped and started again on the same ports, and what may stand before it."""

import sys
from pathlib import Path

from localhost.stack.azurite import SCRIPT, SERVICES, connection_string
from localhost.stack.node import node_command
from rig.processes import REPOSITORY, Restartable, answers, free_port


class Storage:
    """A storage account of its own."""

    def __init__(self, folder: Path) -> None:
        self.ports = {service: free_port() for service in SERVICES}
        words: list[str | Path] = [*node_command(), REPOSITORY / SCRIPT]
        words += ["--location", folder / "azurite", "--silent", "--disableTelemetry"]
        words += ["--skipApiVersionCheck"]
        for service, port in self.ports.items():
            words += [f"--{service.lower()}Port", str(port)]
        self.process = Restartable(
            "Azurite", words, folder / "azurite.log", lambda: all(map(answers, self.ports.values()))
        )

    @property
    def connection(self) -> str:
        """The connection string."""
        return connection_string(self.ports)


class TableProxy:
    """Stands before a table service and refuses or swallows chosen writes.

    Args:
        program: The proxy, which takes its port, its target and a file of orders.
        target: The port that it passes all on to.
    """

    def __init__(self, program: Path, storage: Storage, target: int, folder: Path) -> None:
        port = free_port()
        self._orders = folder / "orders"
        self.connection = connection_string({**storage.ports, "Table": port})
        self.process = Restartable(
            "the table proxy",
            [sys.executable, program, str(port), f"http://127.0.0.1:{target}", self._orders],
            folder / "tableproxy.log",
            lambda: answers(port),
        )

    def refuse(self, *words: str) -> None:
        """Answer 503 to every write whose body has all of these words, until `let_through`."""
        self._order("FAIL", words)

    def hold(self, *words: str) -> None:
        """Never answer the next such write."""
        self._order("HOLD", words)

    def let_through(self) -> None:
        """Pass everything on again."""
        self._orders.unlink(missing_ok=True)

    @property
    def met(self) -> bytes | None:
        """The last write that was refused or held since it was ordered, if any."""
        held = self._orders.with_suffix(".held")
        return held.read_bytes() if held.exists() else None

    def _order(self, what: str, words: tuple[str, ...]) -> None:
        self._orders.with_suffix(".held").unlink(missing_ok=True)
        partial = self._orders.with_suffix(".partial")
        partial.write_text(" ".join([what, *words]))
        partial.replace(self._orders)
