"""An answer that comes between the moment when it is late and the look at it."""

from concurrent.futures import Future
from typing import Any


class LateAnswer(Future[Any]):
    """A future that is there, and says that it is late, to who waits no longer than so long."""

    def result(self, timeout: float | None = None) -> Any:
        if timeout is None:
            return super().result()
        self.exception()  # it waits until there is one, or an answer
        raise TimeoutError
