"""What one rendering may do: a count of work, and a time as a second net.

The unit is about what a character costs: it is read or made in some nanoseconds and takes up to 4
bytes. Whatever is made is charged at least what it takes, so that the budget bounds time and memory
alike, and the same template with the same fields ends the same way on any machine.
"""

import time
from typing import Any

from workloads.notifications.sandbox.errors import TemplateLimitError

WORK_LIMIT = 10_000_000
STEP = 25
ELEMENT = 16
MAX_CHARACTERS = 1_048_576
MAX_CPU_SECONDS = 5.0
_LOOKS = 50


def require_short(value: Any) -> Any:
    """Give a value, unless it is a text that is too long.

    Raises:
        TemplateLimitError: It is.
    """
    if isinstance(value, str):
        _require_length(len(value))
    return value


def _require_length(characters: int) -> None:
    if characters > MAX_CHARACTERS:
        raise TemplateLimitError(f"a text would have more than {MAX_CHARACTERS} characters")


class Budget:
    """The work that is left of a rendering.

    Attributes:
        left: Units of work that are left.
        floor: Below it somebody has to look: the work is used up, or it is time to read the clock.
    """

    __slots__ = ("_ends_at", "floor", "left")

    def __init__(self) -> None:
        self.left = WORK_LIMIT
        self.floor = WORK_LIMIT - WORK_LIMIT // _LOOKS
        self._ends_at = 0.0

    def spend(self, units: int) -> None:
        """Charge work that is about to be done, or was.

        Raises:
            TemplateLimitError: There is not as much left.
        """
        self.left -= units
        if self.left < self.floor:
            self.look()

    def spend_text(self, characters: int) -> None:
        """Charge a text before it is made.

        Raises:
            TemplateLimitError: It would be too long, or there is not as much left.
        """
        _require_length(characters)
        self.spend(characters)

    def look(self) -> None:
        """Stop the rendering if it has used up its work or its time.

        Raises:
            TemplateLimitError: It has.
        """
        if self.left < 0:
            message = f"it takes more than {WORK_LIMIT:,} units of work"
            raise TemplateLimitError(message)
        # The thread's own time: a busy machine must not make a message fail. It is read from the
        # first look on: most renderings have none.
        now = time.thread_time()
        self._ends_at = self._ends_at or now + MAX_CPU_SECONDS
        if now > self._ends_at:
            raise TemplateLimitError(f"it takes more than {MAX_CPU_SECONDS:.0f} s")
        self.floor = max(0, self.left - WORK_LIMIT // _LOOKS)
