"""Has a batch give back what it has not begun when its time box is over, or an item takes long."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial

from activities.batches.boxes.stretch import Stretch
from fanout.adapters.telemetry.logs import logger
from fanout.messages.batches import TimeBox

log = logger("box_watch")

# A rest that takes no longer is not worth another batch.
LITTLE_SECONDS = 0.5
# A batch that has given back its rest and ends so soon tells of that itself.
GRACE_SECONDS = 0.3
LOOK_EVERY_SECONDS = 0.1


class BoxWatch:
    """Watches one batch from a thread of its own, since its items keep the batch's own busy."""

    def __init__(
        self,
        stretch: Stretch,
        box: TimeBox,
        give_back: Callable[[int], int | None],
        tell: Callable[[int, float], None],
    ) -> None:
        """Make a watch.

        Args:
            stretch: The items of the batch.
            box: When it is to give back its rest.
            give_back: As `Stretch.cut_short` calls it.
            tell: Is told how many cuts the batch has kept, and how many milliseconds an item takes
                at least, where the batch goes on for long.
        """
        self._stretch, self._box = stretch, box
        self._give_back, self._tell = give_back, tell
        self._has_ended = threading.Event()
        self._began_at = time.monotonic()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch the batch until it ends."""
        # What it asks of storage is asked for the batch.
        run = partial(copy_context().run, self._run)
        threading.Thread(target=run, name="box watch", daemon=True).start()
        try:
            yield
        finally:
            self._has_ended.set()
            self._stretch.close()

    def _run(self) -> None:
        try:
            self._wait_and_cut_short()
        except Exception:
            # The batch goes on with all its cuts, as it would without a box.
            log.exception("could not give back the rest of a batch")

    def _wait_and_cut_short(self) -> None:
        pause = min(self._box.seconds, self._box.stuck_seconds)
        while not self._has_ended.wait(pause):
            pause = LOOK_EVERY_SECONDS
            if not self._stretch.progress.rest:
                return
            if self._is_over():
                self._stretch.cut_short(self._give_back)
                break
        kept = self._stretch.kept
        if kept is not None and not self._has_ended.wait(GRACE_SECONDS):
            self._tell(kept, self._item_seconds * 1000)

    def _is_over(self) -> bool:
        progress = self._stretch.progress
        if progress.seconds_at_item >= self._box.stuck_seconds:
            return True
        is_late = time.monotonic() - self._began_at >= self._box.seconds
        return is_late and progress.rest * self._item_seconds > LITTLE_SECONDS

    @property
    def _item_seconds(self) -> float:
        return (time.monotonic() - self._began_at) / max(1, self._stretch.progress.begun)
