import asyncio
import signal
import sys

import pytest

from localhost.stack.child_process import stop_process

WAITS = "import signal, time; print('ready', flush=True); time.sleep(600)"
IGNORES_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


async def start(code: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(
    ("code", "grace_seconds", "end"),
    [(WAITS, 60.0, signal.SIGTERM), (IGNORES_SIGTERM, 0.1, signal.SIGKILL)],
)
async def test_a_process_that_does_not_end_is_killed(code, grace_seconds, end):
    process = await start(code)
    await stop_process(process, grace_seconds)
    assert process.returncode == -end


async def test_a_process_that_has_ended_is_left_alone():
    process = await start("print('ready', flush=True)")
    await process.wait()
    await stop_process(process, 0.1)
    assert process.returncode == 0
