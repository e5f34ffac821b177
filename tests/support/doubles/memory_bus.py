"""A Service Bus in memory, sent to as `fanout.adapters.messaging.Messaging` is."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from azure.servicebus.exceptions import ServiceBusConnectionError

from fanout.adapters.messaging import OutgoingMessage


@dataclass
class MemoryBus:
    """Keeps what is sent, by queue or topic.

    Attributes:
        is_away: Whether sending fails.
    """

    sent: dict[str, list[OutgoingMessage]] = field(default_factory=dict)
    is_away: bool = False

    def send_to_queue(self, queue: str, messages: Iterable[OutgoingMessage]) -> int:
        if self.is_away:
            raise ServiceBusConnectionError(message="no route")
        taken = list(messages)
        self.sent.setdefault(queue, []).extend(taken)
        return len(taken)

    def send_to_topic(self, topic: str, messages: Iterable[OutgoingMessage]) -> int:
        return self.send_to_queue(topic, messages)
