"""durabletask on its in-memory backend: not durable over a crash."""

import json
import os
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from durabletask.client import TaskHubGrpcClient
from durabletask.task import when_all
from durabletask.testing import create_test_backend
from durabletask.worker import TaskHubGrpcWorker
from protocol import expect_sum, run_peer


def echo(_context, value):
    return value


def fan_in(context, n):
    results = yield when_all([context.call_activity(echo, input=i) for i in range(n)])
    return results


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    backend = create_test_backend(port=port, max_history_size=1_000_000)
    address = f"localhost:{port}"
    with TaskHubGrpcWorker(host_address=address) as worker:
        worker.add_orchestrator(fan_in)
        worker.add_activity(echo)
        worker.start()
        client = TaskHubGrpcClient(host_address=address)

        def fan_out(n: int) -> float:
            start = time.perf_counter()
            instance = client.schedule_new_orchestration(fan_in, input=n)
            state = client.wait_for_orchestration_completion(instance, timeout=600)
            seconds = time.perf_counter() - start
            expect_sum(n, json.loads(state.serialized_output))
            return seconds

        run_peer(fan_out)
    backend.stop()


if __name__ == "__main__":
    main()
    os._exit(0)
