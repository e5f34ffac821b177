"""One failure of what is stopped keeps none of the others from stopping."""

import asyncio

import pytest

from localhost.stopping import stop_together


class Trigger:
    def __init__(self, error: Exception | None, seconds: float) -> None:
        self._error = error
        self._seconds = seconds
        self.has_stopped = False

    async def stop(self) -> None:
        await asyncio.sleep(self._seconds)
        if self._error is not None:
            raise self._error
        self.has_stopped = True


async def test_one_that_fails_is_told_of_and_keeps_no_other_from_stopping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, slow = Trigger(OSError("gone"), 0), Trigger(None, 0.05)
    await stop_together([broken, slow])
    assert slow.has_stopped
    assert "OSError: gone" in caplog.text


async def test_nothing_to_stop_is_no_failure() -> None:
    await stop_together([])
    await stop_together([Trigger(None, 0)])
