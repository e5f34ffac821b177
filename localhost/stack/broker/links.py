"""The links of senders and receivers: an inlet into a queue or topic, an outlet of a queue.

An outlet's deliveries are settled by the receiver first and confirmed by the broker, so a receiver
learns whether its settlement counted. The outcomes mean what Service Bus says they do: accepted
completes, modified abandons or (undeliverable here) defers, rejected dead-letters, released gives
back uncounted.
Source: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide
"""

from functools import partial
from uuid import UUID

from proton import Condition, Delivery, Event, Handler, Link, Receiver, Sender, symbol

from localhost.stack.broker import encoding
from localhost.stack.broker.ingress import Ingress
from localhost.stack.broker.message import LockLostError, Message, NotAllowedError
from localhost.stack.broker.message_queue import Lock, MessageQueue
from localhost.stack.broker.turn import Turn

# What the Standard tier and Microsoft's emulator allow.
MAX_MESSAGE_BYTES = 256 * 1024
CREDIT = 500

DECODE_ERROR = "amqp:decode-error"
NOT_ALLOWED = "amqp:not-allowed"
SIZE_EXCEEDED = "amqp:link:message-size-exceeded"
LOCK_LOST = "com.microsoft:message-lock-lost"


class Inlet(Handler):
    """A client's sender: what it sends enters the entity."""

    def __init__(self, link: Receiver, ingress: Ingress, turn: Turn) -> None:
        self._ingress = ingress
        self._turn = turn
        link.max_message_size = MAX_MESSAGE_BYTES
        mirror(link)
        link.open()
        replenish(link)

    def on_delivery(self, event: Event) -> None:
        """Take in a message, or the messages of a batch."""
        delivery, link = event.delivery, event.link
        if delivery.aborted:
            delivery.settle()
        elif delivery.readable and not delivery.partial:
            content = bytes(link.recv(delivery.pending) or b"")
            link.advance()
            replenish(link)
            self._take(delivery, content)

    def on_link_remote_close(self, event: Event) -> None:
        """The client is done."""
        event.link.close()

    def on_link_remote_detach(self, event: Event) -> None:
        """The client is done."""
        event.link.detach()

    def _take(self, delivery: Delivery, content: bytes) -> None:
        if len(content) > MAX_MESSAGE_BYTES:
            reject(
                delivery,
                SIZE_EXCEEDED,
                f"The received message (size {len(content)} bytes) exceeds the limit "
                f"({MAX_MESSAGE_BYTES} bytes) currently allowed on the link.",
            )
            return
        try:
            drafts = [encoding.read_draft(message) for message in encoding.split_batch(content)]
        except encoding.MalformedMessageError as error:
            reject(delivery, DECODE_ERROR, str(error))
            return
        try:
            self._ingress.check(drafts)
        except NotAllowedError as error:
            reject(delivery, NOT_ALLOWED, str(error))
            return
        for draft in drafts:
            self._ingress.send(draft)
        self._turn.after_commit(partial(_confirm, delivery, Delivery.ACCEPTED))


class Outlet(Handler):
    """A client's receiver: it is sent as many messages as it gives credit for."""

    def __init__(self, link: Sender, queue: MessageQueue, turn: Turn) -> None:
        self._queue = queue
        self._turn = turn
        self.waits_until: float | None = None
        self._deletes = link.remote_snd_settle_mode == Link.SND_SETTLED
        self._open(link)
        turn.join(link, self)

    def pump(self, link: Sender) -> None:
        """Send what is ready; then, to a receiver that drains its link, say that this is all."""
        while link.credit > 0 and self._has_ready():
            if self._deletes:
                self._send_settled(link)
            else:
                self._send_locked(link)
        if link.drain_mode and link.credit > 0:
            link.drained()

    def on_delivery(self, event: Event) -> None:
        """Settle a message as its receiver says."""
        delivery = event.delivery
        if not delivery.updated or not (delivery.remote_state or delivery.settled):
            return
        token: UUID | None = getattr(delivery, "lock_token", None)
        if token is None:
            return
        delivery.lock_token = None
        try:
            outcome = self._settle(token, delivery)
        except LockLostError as error:
            self._turn.after_commit(partial(reject, delivery, LOCK_LOST, str(error)))
        except NotAllowedError as error:
            self._turn.after_commit(partial(reject, delivery, NOT_ALLOWED, str(error)))
        else:
            self._turn.after_commit(partial(_confirm, delivery, outcome))

    def on_link_remote_close(self, event: Event) -> None:
        """The client is done; what it holds stays locked until the locks expire."""
        self._turn.drop(event.link)
        event.link.close()

    def on_link_remote_detach(self, event: Event) -> None:
        """The client is done; what it holds stays locked until the locks expire."""
        self._turn.drop(event.link)
        event.link.detach()

    def lose(self) -> None:
        """The client went without a word; what it holds stays locked until the locks expire."""

    def _open(self, link: Sender) -> None:
        mirror(link)
        link.open()

    def _has_ready(self) -> bool:
        return self._queue.has_ready()

    def _receive(self) -> Lock | None:
        return self._queue.receive()

    def _receive_and_delete(self) -> Message | None:
        return self._queue.receive_and_delete()

    def _send_locked(self, link: Sender) -> None:
        lock = self._receive()
        if lock is None:
            return
        delivery = link.delivery(lock.token.bytes_le)
        delivery.lock_token = lock.token
        link.send(encoding.encode_for_receiver(lock.message, lock.locked_until))
        link.advance()

    def _send_settled(self, link: Sender) -> None:
        message = self._receive_and_delete()
        if message is None:
            return
        delivery = link.delivery(str(message.sequence_number))
        link.send(encoding.encode_for_receiver(message))
        link.advance()
        delivery.settle()

    def _settle(self, token: UUID, delivery: Delivery) -> int:
        """Do what the receiver's outcome says; return the outcome to confirm."""
        remote = delivery.remote
        state = delivery.remote_state
        if state == Delivery.ACCEPTED:
            self._queue.complete(token)
        elif state == Delivery.REJECTED:
            self._queue.dead_letter(token, *_dead_letter_words(remote.condition))
        elif state == Delivery.MODIFIED and remote.undeliverable:
            self._queue.defer(token)
            delivery.local.undeliverable = True
        elif state == Delivery.MODIFIED and remote.failed:
            self._queue.abandon(token)
            delivery.local.failed = True
        else:
            self._queue.release(token)
            return int(Delivery.RELEASED)
        return int(state)


def reject(delivery: Delivery, name: str, description: str) -> None:
    """Refuse a delivery, or a settlement, and say why."""
    # azure-servicebus looks for the info of a rejection, and fails where it is absent.
    info = {symbol("com.microsoft:origin"): "development broker"}
    delivery.local.condition = Condition(name, description, info)
    _confirm(delivery, Delivery.REJECTED)


def refuse(link: Link, name: str, description: str) -> None:
    """Refuse a link: answer its attach and close it at once.

    AMQP would have the ends left out; azure-servicebus then never looks at the reason.
    """
    mirror(link)
    link.open()
    link.condition = Condition(name, description)
    link.close()


def replenish(link: Receiver) -> None:
    """Let a client send on, now and then rather than for each message."""
    if link.credit <= CREDIT // 2:
        link.flow(CREDIT - link.credit)


def mirror(link: Link) -> None:
    """Grant a link the ends and the modes that the client asked for."""
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
    link.snd_settle_mode = link.remote_snd_settle_mode
    link.rcv_settle_mode = link.remote_rcv_settle_mode


def _confirm(delivery: Delivery, outcome: int) -> None:
    delivery.update(outcome)
    delivery.settle()


def _dead_letter_words(condition: Condition | None) -> tuple[str | None, str | None]:
    """The reason and the description that the client gave."""
    if condition is None:
        return None, None
    info = {str(key): value for key, value in (condition.info or {}).items()}
    return info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription")
