"""duroxide on an SQLite file, with its dispatchers' polling tuned down."""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from duroxide import Client, Runtime, RuntimeOptions, SqliteProvider
from protocol import expect_sum, run_peer


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "store.db")
        database.touch()
        provider = SqliteProvider.open(str(database))
        client = Client(provider)
        options = RuntimeOptions(
            dispatcher_poll_interval_ms=1, orchestration_concurrency=2, worker_concurrency=8
        )
        runtime = Runtime(provider, options)

        @runtime.register_activity("echo")
        def echo(_context, value):
            return value

        @runtime.register_orchestration("fan_in")
        def fan_in(context, n):
            results = yield context.all([context.schedule_activity("echo", i) for i in range(n)])
            return results

        runtime.start()

        def fan_out(n: int) -> float:
            instance = f"fan-in-{n}"
            start = time.perf_counter()
            client.start_orchestration(instance, "fan_in", n)
            result = client.wait_for_orchestration(instance, 600_000)
            seconds = time.perf_counter() - start
            if result.output is None:
                raise SystemExit(f"{result.status}: {result.error}")
            values = [v["ok"] if isinstance(v, dict) else v for v in result.output]
            expect_sum(n, [int(v) for v in values])
            return seconds

        run_peer(fan_out)
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
