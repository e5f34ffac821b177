"""A child process of the host: stopped in an orderly way where it lets itself be."""

import asyncio


async def stop_process(process: asyncio.subprocess.Process, grace_seconds: float) -> None:
    """Send SIGTERM, and SIGKILL if the process has not ended within the grace period."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
