"""The link of a receiver of one session; while there is no session for it, its attach waits.

Source: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
"""

from typing import Any

from proton import Condition, Event, Link, Sender, symbol, ulong

from localhost.stack.broker.links import Outlet, mirror
from localhost.stack.broker.message import Clock, Message
from localhost.stack.broker.message_queue import Lock
from localhost.stack.broker.session_queue import SessionLock, SessionQueue, SessionTakenError
from localhost.stack.broker.turn import Turn

SESSION_FILTER = "com.microsoft:session-filter"
LOCKED_UNTIL = "com.microsoft:locked-until-utc"
TIMEOUT = "com.microsoft:timeout"
SESSION_TAKEN = "com.microsoft:session-cannot-be-locked"
SESSION_LOST = "com.microsoft:session-lock-lost"
DEFAULT_WAIT_SECONDS = 60.0
MILLISECONDS = 1000
# .NET counts in tenths of microseconds from the year 1.
TICKS_A_SECOND = 10_000_000
TICKS_OF_1970 = 621_355_968_000_000_000


class SessionOutlet(Outlet):
    """A client's receiver of one session.

    Args:
        link: By which it receives.
        queue: Requires sessions.
        session_id: Which it wants; None: the next that has messages.
        turn: Lets it send.
        clock: Says what time it is.
    """

    def __init__(
        self, link: Sender, queue: SessionQueue, session_id: str | None, turn: Turn, clock: Clock
    ) -> None:
        self._sessions = queue
        self._wanted_id = session_id
        self._clock = clock
        self._session: SessionLock | None = None
        super().__init__(link, queue, turn)
        self.waits_until = clock() + _wait_seconds(link)

    def pump(self, link: Sender) -> None:
        """Take a session if there is one, and send what is ready of it; see `Outlet`."""
        if self._session is None:
            self._take_session(link)
        elif not self._sessions.is_held(self._session):
            self._end(link, SESSION_LOST, "The session lock has expired on the session.")
        else:
            super().pump(link)

    def on_link_remote_close(self, event: Event) -> None:
        """The client is done; see `Outlet`."""
        self._release(event.link)
        super().on_link_remote_close(event)

    def on_link_remote_detach(self, event: Event) -> None:
        """The client is done; see `Outlet`."""
        self._release(event.link)
        super().on_link_remote_detach(event)

    def lose(self) -> None:
        """The client went without a word: its session is free, and its deliveries count."""
        if self._session is not None:
            self._sessions.close_session(self._session, is_counted=True)

    def _open(self, link: Sender) -> None:
        """Wait; the link is opened when there is a session for it."""

    def _has_ready(self) -> bool:
        return self._session is not None and self._sessions.has_ready_in(self._session)

    def _receive(self) -> Lock | None:
        return None if self._session is None else self._sessions.receive_in(self._session)

    def _receive_and_delete(self) -> Message | None:
        if self._session is None:
            return None
        return self._sessions.receive_and_delete_in(self._session)

    def _take_session(self, link: Sender) -> None:
        try:
            session = self._sessions.accept(self._wanted_id)
        except SessionTakenError as error:
            self._end(link, SESSION_TAKEN, str(error))
            return
        if session is not None:
            self._session = session
            self.waits_until = None
            _open_for(link, session)
            super().pump(link)
        elif self.waits_until is not None and self._clock() >= self.waits_until:
            self._end(link, TIMEOUT, "There was no session with messages in the time given.")

    def _release(self, link: Sender) -> None:
        if self._session is not None:
            self._sessions.close_session(self._session, is_counted=False)
        elif link.state & Link.LOCAL_UNINIT:
            super()._open(link)

    def _end(self, link: Sender, name: str, description: str) -> None:
        self._turn.drop(link)
        self.waits_until = None
        if link.state & Link.LOCAL_UNINIT:
            super()._open(link)
        link.condition = Condition(name, description)
        link.close()


def wanted_session(link: Link) -> tuple[bool, str | None]:
    """Whether a receiver asks for a session, and for which; None: the next that has messages."""
    filters = link.remote_source.filter
    filters.rewind()
    value = filters.get_object() if filters.next() else None
    if not isinstance(value, dict) or SESSION_FILTER not in value:
        return False, None
    session_id = value[SESSION_FILTER]
    return True, None if session_id is None else str(session_id)


def _open_for(link: Sender, session: SessionLock) -> None:
    mirror(link)
    link.source.filter.clear()
    link.source.filter.put_object({symbol(SESSION_FILTER): session.session_id})
    ticks = int(session.locked_until * TICKS_A_SECOND) + TICKS_OF_1970
    link.properties = {symbol(LOCKED_UNTIL): ulong(ticks)}
    link.open()


def _wait_seconds(link: Sender) -> float:
    properties: dict[Any, Any] = dict(link.remote_properties or {})
    milliseconds = properties.get(TIMEOUT)
    return milliseconds / MILLISECONDS if milliseconds else DEFAULT_WAIT_SECONDS
