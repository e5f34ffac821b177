"""The broker as a whole: a port on loopback, the file it keeps its messages in, an orderly end."""

import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from proton import Event, Handler
from proton.reactor import ApplicationEvent, Container, EventInjector

from localhost.stack.broker import encoding, settings
from localhost.stack.broker.front import Front
from localhost.stack.broker.namespace import Namespace
from localhost.stack.broker.store import Store

LOOPBACK = "127.0.0.1"
ENDINGS = (signal.SIGTERM, signal.SIGINT)
# The emulator checks no keys; the client wants one to sign its tokens with.
KEY_NAME = "RootManageSharedAccessKey"
KEY = "SAS_KEY_VALUE"


def connection_string(port: int) -> str:
    """What azure-servicebus connects with."""
    return (
        f"Endpoint=sb://{LOOPBACK}:{port};SharedAccessKeyName={KEY_NAME};SharedAccessKey={KEY};"
        "UseDevelopmentEmulator=true;"
    )


class Server(Handler):
    """One broker; `run` serves until SIGTERM or SIGINT.

    Args:
        declared: The entities.
        folder: Where the file is.
        port: 0: a free one.
        ready: Is told the port.

    Raises:
        StoreError: The file cannot be used.
        OSError: The port is taken.
    """

    def __init__(
        self,
        entities: settings.Namespace,
        folder: Path,
        port: int,
        on_ready: Callable[[int], None],
    ) -> None:
        self._store = Store(folder)
        namespace = Namespace(
            entities,
            time.time,
            self._store,
            lambda filters: partial(encoding.is_accepted, filters),
            encoding.session_of,
        )
        self.undeclared_queues = _restore(namespace, self._store)
        self._store.commit()
        self._port = port
        self._on_ready = on_ready
        self._stopping = EventInjector()
        self._container = Container(self, Front(namespace, self._store, time.time))

    def run(self) -> None:
        """Serve."""
        for number in ENDINGS:
            signal.signal(number, self._stop)
        try:
            self._container.run()
        finally:
            self._store.close()

    def on_reactor_init(self, event: Event) -> None:
        """Listen."""
        event.container.selectable(self._stopping)
        acceptor = event.container.listen(f"{LOOPBACK}:{self._port}")
        # Proton does not say which port it got.
        with socket.socket(fileno=os.dup(acceptor._selectable.fileno())) as listening:
            self._on_ready(listening.getsockname()[1])

    def on_stop(self, event: Event) -> None:
        """End; clients see their connections close."""
        self._container.stop()

    def _stop(self, _number: int, _frame: object) -> None:
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)
        self._stopping.trigger(ApplicationEvent("stop"))


def _restore(namespace: Namespace, store: Store) -> list[str]:
    """Give the entities what the file has; return those that are no longer declared."""
    for entity, last in store.numbers():
        namespace.restore_number(entity, last)
    for known in store.known_ids():
        namespace.restore_known(known.entity, known.message_id, known.number, known.until)
    for queue, session_id, state in store.session_states():
        namespace.restore_state(queue, session_id, state)
    homeless = {
        queue
        for queue, message in store.messages()
        if not namespace.restore_message(queue, message)
    }
    return sorted(homeless)
