"""A host that is asked as clients ask: again, where it says that it is busy."""

import time
from collections.abc import Mapping

from rig.web import Answer, Host
from tests.support.hosts.hosts import patient

SETTLE_SECONDS = 240.0


class PatientHost(Host):
    """Asks again what is answered by 503 with `Retry-After`, after as long as that says.

    Any other answer is given as it is, a 503 that does not say when to come back among them.

    Args:
        host: Which is asked.
        answer_seconds: How long each answer may take; None asks nothing of that.
    """

    def __init__(self, host: Host, answer_seconds: float | None = None) -> None:
        super().__init__(host.name, host.port)
        self._host, self._answer_seconds = host, answer_seconds

    @property
    def log(self) -> str:
        """That of the host."""
        return self._host.log

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request until the host is no longer busy.

        Raises:
            AssertionError: It is busy for very long, or an answer took too long.
        """
        deadline = time.monotonic() + patient(SETTLE_SECONDS)
        while pause := _pause_of(answer := self._ask_once(method, path, body, headers)):
            told = f"{method} {path} is still answered by 503: {answer.body[:500]!r}\n"
            assert time.monotonic() < deadline, told + self.log[-4000:]
            time.sleep(pause)
        return answer

    def _ask_once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Answer:
        began_at = time.monotonic()
        answer = super().request(method, path, body, headers)
        seconds = time.monotonic() - began_at
        is_in_time = self._answer_seconds is None or seconds <= self._answer_seconds
        assert is_in_time, f"{method} {path} took {seconds:.1f} s: {answer.body[:500]!r}"
        return answer


def _pause_of(answer: Answer) -> float:
    """How long to wait before asking again; 0 where that makes no sense."""
    return float(answer.header("retry-after") or 0) if answer.status == 503 else 0.0
