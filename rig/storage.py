"""An Azurite that is stopped and started again on the same ports."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localhost.stack.azurite import SCRIPT, SERVICES, connection_string
from localhost.stack.node import node_command
from rig.processes import REPOSITORY, Restartable, answers, free_port


class Storage:
    """A storage account of its own.

    Args:
        folder: Where its data and its log are.
        is_silent: Whether its log leaves the requests out.
    """

    def __init__(self, folder: Path, *, is_silent: bool = True) -> None:
        self._folder = folder / "azurite"
        self.ports = {service: free_port() for service in SERVICES}
        words: list[str | Path] = [*node_command(), REPOSITORY / SCRIPT]
        words += ["--location", self._folder, "--disableTelemetry", "--skipApiVersionCheck"]
        words += ["--silent"] if is_silent else []
        for service, port in self.ports.items():
            words += [f"--{service.lower()}Port", str(port)]
        self.process = Restartable(
            "Azurite", words, folder / "azurite.log", lambda: all(map(answers, self.ports.values()))
        )

    def forget_clients(self) -> None:
        """Show again what clients had fetched from control queues, and end their leases.

        So it is a minute after the clients died; Azurite is stopped while its files are changed.
        Activities that they had fetched stay hidden, or a turn that is taken again would give them
        out beside those that it had given out before.
        """
        self.process.stop()
        now = datetime.now(UTC)
        with self._rows("queue", "$MESSAGES_COLLECTION$") as messages:
            for message in messages:
                if message["dequeueCount"] and "-control-" in message["queueName"]:
                    message["timeNextVisible"] = int(now.timestamp() * 1000)
        for name in ("$CONTAINERS_COLLECTION$", "$BLOBS_COLLECTION$"):
            with self._rows("blob", name) as leased:
                for one in leased:
                    if one.get("leaseExpireTime"):
                        one["leaseExpireTime"] = now.isoformat(timespec="milliseconds")[:23] + "Z"
        self.process.start()

    @contextlib.contextmanager
    def _rows(self, service: str, name: str) -> Iterator[list[dict[str, Any]]]:
        """What Azurite keeps of a service under a name, to be changed while it is stopped."""
        path = self._folder / f"__azurite_db_{service}__.json"
        kept = json.loads(path.read_bytes())
        yield next(each["data"] for each in kept["collections"] if each["name"] == name)
        path.write_text(json.dumps(kept))

    @property
    def connection(self) -> str:
        """The connection string."""
        return connection_string(self.ports)
