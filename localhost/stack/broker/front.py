"""The AMQP front: opens what clients open, and ends each turn of Proton's event loop.

At the end of a turn, before Proton goes back to the sockets: what is due is done, messages are sent
to whoever has credit, all changes are committed, and only then are senders and receivers answered.
So nothing leaves this process that is not on disk.
"""

from typing import Any

from proton import Event, Handler, Link
from proton.reactor import Container

from localhost.stack.broker.links import Inlet, Outlet, mirror, refuse
from localhost.stack.broker.management import Management
from localhost.stack.broker.message import Clock
from localhost.stack.broker.namespace import MANAGEMENT, Namespace, UnknownEntityError, path
from localhost.stack.broker.requests import CBS, Requests
from localhost.stack.broker.session_links import SessionOutlet, wanted_session
from localhost.stack.broker.session_queue import SessionQueue
from localhost.stack.broker.store import Store
from localhost.stack.broker.turn import Turn

NOT_FOUND = "amqp:not-found"
NOT_ALLOWED = "amqp:not-allowed"
CONTAINER_ID = "fanout-broker"
SHORTEST_WAIT_SECONDS = 0.001
_NEEDS_SESSION = (
    "It is not possible for an entity that requires sessions to create a non-sessionful message "
    "receiver: '{}'."
)


class Front(Handler):
    """Handles the events of every connection.

    Args:
        namespace: The entities.
        store: Where changes are committed.
        clock: Says what time it is.
    """

    def __init__(self, namespace: Namespace, store: Store, clock: Clock) -> None:
        self._namespace = namespace
        self._store = store
        self._clock = clock
        self._management = Management(namespace)
        self._turn = Turn()
        self._alarm: Any = None
        self._alarm_at: float | None = None

    def on_connection_remote_open(self, event: Event) -> None:
        """Open the connection."""
        event.connection.container = CONTAINER_ID
        event.connection.open()

    def on_session_remote_open(self, event: Event) -> None:
        """Open the session."""
        event.session.open()

    def on_link_remote_open(self, event: Event) -> None:
        """Open a link to an entity, or refuse it."""
        link = event.link
        try:
            self._attach(link)
        except UnknownEntityError as error:
            refuse(link, NOT_FOUND, str(error))

    def on_link_remote_close(self, event: Event) -> None:
        """Close a link of answers; the others do so themselves."""
        event.link.close()

    def on_link_remote_detach(self, event: Event) -> None:
        """Detach a link of answers; the others do so themselves."""
        event.link.detach()

    def on_session_remote_close(self, event: Event) -> None:
        """Close the session."""
        self._turn.leave(event.session)
        event.session.close()

    def on_connection_remote_close(self, event: Event) -> None:
        """Close the connection."""
        self._turn.leave(event.connection)
        event.connection.close()

    def on_transport_closed(self, event: Event) -> None:
        """Forget a client that went without a word; its locks run out in their time."""
        if event.connection is not None:
            self._turn.leave(event.connection)

    def on_timer_task(self, event: Event) -> None:
        """Do nothing: what is due is done at the end of this turn, as of any."""
        self._alarm = self._alarm_at = None

    def on_reactor_quiesced(self, event: Event) -> None:
        """End the turn."""
        self._namespace.advance()
        self._turn.pump()
        self._store.commit()
        self._turn.answer()
        self._set_alarm(event.container)

    def _attach(self, link: Link) -> None:
        address = path((link.remote_target if link.is_receiver else link.remote_source).address)
        if address == CBS or address.lower().endswith(MANAGEMENT):
            if link.is_receiver:
                link.handler = Requests(link, address, self._management, self._turn)
            else:
                mirror(link)
                link.open()
        elif link.is_receiver:
            link.handler = Inlet(link, self._namespace.ingress(address), self._turn)
        else:
            self._attach_receiver(link, address)

    def _attach_receiver(self, link: Link, address: str) -> None:
        queue = self._namespace.queue(address)
        asks_for_session, session_id = wanted_session(link)
        if isinstance(queue, SessionQueue):
            if asks_for_session:
                link.handler = SessionOutlet(link, queue, session_id, self._turn, self._clock)
            else:
                refuse(link, NOT_ALLOWED, _NEEDS_SESSION.format(queue.path))
        elif asks_for_session:
            refuse(link, NOT_ALLOWED, f"'{queue.path}' has no sessions.")
        else:
            link.handler = Outlet(link, queue, self._turn)

    def _set_alarm(self, container: Container) -> None:
        ends = (self._namespace.next_due(), self._turn.next_due())
        due = min((end for end in ends if end is not None), default=None)
        if due == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = due
        self._alarm = None
        if due is not None:
            delay = max(due - self._clock(), SHORTEST_WAIT_SECONDS)
            self._alarm = container.schedule(delay, self)
