"""A Service Bus for tests: the development broker, or one that FANOUT_TEST_SERVICE_BUS names.

`python -m tests.support.hosts.service_bus` prints what Microsoft's emulator is to be configured by.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
CONNECTION = "FANOUT_TEST_SERVICE_BUS"
PLAIN_QUEUES = 80
SHORT_QUEUES = 20
SESSION_QUEUES = 12
MAX_DELIVERY_COUNT = 3
LOCK_SECONDS = 1
SERVICE_BUS_LOCK_SECONDS = 5
_CONNECTION_STRING = re.compile(r"Connection string: (\S+)")


def entities(lock_seconds: int = LOCK_SECONDS) -> dict[str, Any]:
    """Queues and topics enough for each test to have its own.

    Args:
        lock_seconds: Of the queues whose locks expire in a test; Service Bus allows no less than 5.
    """
    plain: dict[str, Any] = {"LockDuration": "PT1M", "MaxDeliveryCount": MAX_DELIVERY_COUNT}
    short = {**plain, "LockDuration": f"PT{lock_seconds}S"}
    queues = [_entity(f"plain-{i}", plain) for i in range(PLAIN_QUEUES)]
    queues += [_entity(f"short-{i}", short) for i in range(SHORT_QUEUES)]
    # Under 4 seconds the client's own renewer, which looks each second, comes too late.
    queues += [_entity(f"renewed-{i}", {**plain, "LockDuration": "PT5S"}) for i in range(2)]
    queues += [
        _entity(
            f"unique-{i}",
            {
                **plain,
                "RequiresDuplicateDetection": True,
                "DuplicateDetectionHistoryTimeWindow": "PT5M",
            },
        )
        for i in range(4)
    ]
    queues += [
        _entity(f"sessions-{i}", {**plain, "RequiresSession": True}) for i in range(SESSION_QUEUES)
    ]
    queues += [_entity(f"short-sessions-{i}", {**short, "RequiresSession": True}) for i in range(4)]
    queues.append(_entity("buries-expired", {**plain, "DeadLetteringOnMessageExpiration": True}))
    filtered = _entity("filtered", plain)
    filtered["Rules"] = [
        {
            "Name": "orders",
            "Properties": {
                "FilterType": "Correlation",
                "CorrelationFilter": {"Label": "order", "Properties": {"region": "eu"}},
            },
        }
    ]
    topics = [
        {
            "Name": f"topic-{i}",
            "Subscriptions": [
                _entity("all", plain),
                _entity("also", plain),
                filtered,
            ],
        }
        for i in range(8)
    ]
    by_session = _entity("by-session", {**plain, "RequiresSession": True})
    topics.append({"Name": "topic-of-sessions", "Subscriptions": [by_session]})
    namespace = {"Name": "sbemulatorns", "Queues": queues, "Topics": topics}
    return {"UserConfig": {"Namespaces": [namespace], "Logging": {"Type": "File"}}}


class BrokerProcess:
    """A development broker whose death can be arranged.

    Args:
        folder: Where it keeps its file, its log and its entities.
        config: The entities.
    """

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._entities = folder / "entities.json"
        self._entities.write_text(json.dumps(config))
        self.connection_string = ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Start it, on the port that it had if it ran before; return its connection string."""
        port = re.findall(r":(\d+);", self.connection_string) or ["0"]
        log = self._folder / "broker.log"
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "localhost.stack.broker", "--port", port[0]),
                    *("--data", str(self._folder / "data"), "--entities", str(self._entities)),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := _CONNECTION_STRING.search(line):
                self.connection_string = found[1]
                return self.connection_string
        raise AssertionError(f"The broker did not start:\n{log.read_text()}")

    def kill(self) -> None:
        """SIGKILL it."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM it; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process = self._process
        assert process is not None and process.stdout is not None
        process.send_signal(number)
        process.stdout.close()
        return process.wait(timeout=120)


def external() -> str | None:
    """The connection string of a Service Bus that is not ours, if one is given."""
    return os.environ.get(CONNECTION)


def _entity(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Properties": dict(properties)}


if __name__ == "__main__":
    print(json.dumps(entities(SERVICE_BUS_LOCK_SECONDS), indent=2))
