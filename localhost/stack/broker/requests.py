"""The links by which clients ask and are answered: `$cbs` and `<entity>/$management`.

A client opens two links to the same address; what it asks on the one is answered on the other.
Any token for an entity that there is will do: the broker listens on loopback only.
"""

from functools import partial

from proton import (
    Delivery,
    Endpoint,
    Event,
    Handler,
    Link,
    Message,
    ProtonException,
    Receiver,
    int32,
    symbol,
)

from localhost.stack.broker.links import DECODE_ERROR, mirror, reject, replenish
from localhost.stack.broker.management import Answer, Management
from localhost.stack.broker.namespace import MANAGEMENT
from localhost.stack.broker.turn import Turn

CBS = "$cbs"


class Requests(Handler):
    """A client's requests to one address.

    Args:
        link: By which they come.
        address: `$cbs`, or an entity's management address.
        management: Does what is asked.
        turn: Holds the answer back until what was done is on disk.
    """

    def __init__(self, link: Receiver, address: str, management: Management, turn: Turn) -> None:
        self._address = address
        self._management = management
        self._turn = turn
        mirror(link)
        link.open()
        replenish(link)

    def on_delivery(self, event: Event) -> None:
        """Do what is asked."""
        delivery, link = event.delivery, event.link
        if not delivery.readable or delivery.partial:
            return
        content = bytes(link.recv(delivery.pending) or b"")
        link.advance()
        replenish(link)
        request = Message()
        try:
            request.decode(content)
        except (ProtonException, ValueError, TypeError) as error:
            reject(delivery, DECODE_ERROR, str(error))
            return
        reply = self._reply(request)
        self._turn.after_commit(partial(self._send, delivery, reply))

    def on_link_remote_close(self, event: Event) -> None:
        """The client is done."""
        event.link.close()

    def on_link_remote_detach(self, event: Event) -> None:
        """The client is done."""
        event.link.detach()

    def _reply(self, request: Message) -> Message:
        properties = {str(name): value for name, value in (request.properties or {}).items()}
        if self._address == CBS:
            reply = _token_reply(self._management.authorize(str(properties.get("name"))))
        else:
            entity = self._address[: -len(MANAGEMENT)]
            operation = str(properties.get("operation"))
            reply = _reply(self._management.answer(entity, operation, request.body))
        reply.correlation_id = request.id
        return reply

    def _send(self, delivery: Delivery, reply: Message) -> None:
        link = _answer_link(delivery.link, self._address)
        delivery.update(Delivery.ACCEPTED)
        delivery.settle()
        if link is not None:
            link.send(reply).settle()


def _answer_link(request_link: Link, address: str) -> Link | None:
    """The link of the same session that leads from the address to the client."""
    active = Endpoint.LOCAL_ACTIVE | Endpoint.REMOTE_ACTIVE
    link = request_link.connection.link_head(active)
    while link is not None:
        is_paired = link.is_sender and link.session == request_link.session
        if is_paired and link.remote_source.address == request_link.remote_target.address:
            return link
        link = link.next(active)
    return None


def _token_reply(answer: Answer) -> Message:
    properties = {
        "status-code": int32(answer.status),
        "status-description": answer.description,
    }
    return Message(properties=properties)


def _reply(answer: Answer) -> Message:
    properties: dict[str, object] = {
        "statusCode": int32(answer.status),
        "statusDescription": answer.description,
    }
    if answer.condition is not None:
        properties["errorCondition"] = symbol(answer.condition)
    return Message(body=dict(answer.body or {}), properties=properties)
