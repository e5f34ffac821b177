"""DBOS on SQLite: N steps of one workflow under asyncio.gather, its fastest way to fan out."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from dbos import DBOS, DBOSConfig
from protocol import expect_sum, run_peer


@DBOS.step()
async def echo(value: int) -> int:
    return value


@DBOS.workflow()
async def fan_in(n: int) -> list[int]:
    return list(await asyncio.gather(*(echo(i) for i in range(n))))


def main() -> None:
    folder = tempfile.mkdtemp()
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{folder}/dbos.db",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    DBOS.launch()

    def fan_out(n: int) -> float:
        async def once() -> list[int]:
            handle = await DBOS.start_workflow_async(fan_in, n)
            return await handle.get_result(polling_interval_sec=0.01)

        start = time.perf_counter()
        results = asyncio.run(once())
        seconds = time.perf_counter() - start
        expect_sum(n, results)
        return seconds

    run_peer(fan_out)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
