"""An Azurite that is stopped and started again on the same ports."""

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
