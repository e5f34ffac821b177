"""The Service Bus starter: each message of the queue `fanout-requests` is a RunRequest.

Messages come one at a call, several calls at once. A Python function cannot settle a message, and
the host settles all messages of a call alike: in a call of many, one message that fails is the
end of its neighbours, for their deliveries are counted with its own.
Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus-trigger

A message that can never succeed is handed on as a dead letter. One that may succeed later is
delivered again, after a pause that grows; after some deliveries it is a dead letter as well. That
starts no run twice, because the id of a run is made from its message.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
from azure.servicebus.exceptions import MessageSizeExceededError

from fanout.adapters.messaging import (
    DEAD_LETTER_QUEUE,
    REQUEST_QUEUE,
    Messaging,
    OutgoingMessage,
    Property,
    fault_properties,
    messaging,
)
from fanout.adapters.patience import limit_patience
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import SERVICE_BUS, Settings, settings
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.durable.app import Blueprint, client_input
from fanout.errors import (
    FanoutError,
    InvalidRequestError,
    RunConflictError,
    UnreadableDocumentError,
)
from fanout.models.request import RunRequest
from fanout.naming import functions, instance_ids
from fanout.naming.media_types import JSON
from fanout.printable import describe_failure, make_printable
from starters.failures import find_failure, is_fault
from starters.lifecycle.parse import RequestTooLargeError, parse_body
from starters.lifecycle.start import start_run

REASONS: dict[type[FanoutError], str] = {
    InvalidRequestError: "InvalidRequest",
    RequestTooLargeError: "RequestTooLarge",
    RunConflictError: "RunConflict",
    UnreadableDocumentError: "UnreadableDocument",
}
START_FAILED = "StartFailed"
# Service Bus gives up at the tenth delivery (infra/modules/service-bus.bicep), and gives no reason.
LAST_DELIVERY = 9
# Of a message that no service fails, but Python itself.
LAST_DELIVERY_IF_FAULTY = 3
# Nine minutes in all: where a key, a firewall or a role is changed, storage refuses for minutes;
# activities wait as long for it.
FIRST_PAUSE_SECONDS = 3.0
MAX_PAUSE_SECONDS = 180.0
# The host renews the lock of a message for five minutes (`maxAutoLockRenewalDuration`): a pause and
# a start take less together, or the message is delivered beside itself.
MAX_START_SECONDS = 90.0
# All properties of a message share 64 KiB, and why it is a dead letter is one of them.
MAX_PROPERTY_BYTES = 49_152
# What is left of a body that is too large to be handed on with the reason.
MAX_CUT_BODY_BYTES = 65_536
log = logger("service_bus")


class UnsettledMessageError(Exception):
    """A message may succeed later: it is to be delivered again."""


@dataclass(frozen=True)
class RequestMessage:
    """A message as it was delivered.

    Attributes:
        body: A RunRequest as JSON, if it is sound.
        sequence_number: Its number in the queue, the same at every delivery.
        message_id: The id that its sender gave it; None where the sender gave none.
        properties: What its sender added.
        delivery: Which delivery this is, 1 the first.
    """

    body: bytes
    sequence_number: int
    message_id: str | None = None
    properties: dict[str | bytes, Property] = field(default_factory=dict)
    delivery: int = 1

    @classmethod
    def from_message(cls, message: func.ServiceBusMessage) -> "RequestMessage":
        """Take what matters of a message."""
        simple = (str, bool, int, float)
        properties = message.application_properties or {}
        return cls(
            body=message.get_body(),
            sequence_number=int(message.sequence_number or 0),
            message_id=message.message_id,
            properties={name: v for name, v in properties.items() if isinstance(v, simple)},
            delivery=int(message.delivery_count or 1),
        )

    @property
    def run_id(self) -> str:
        """The id of its run, where the request names none: the message id, or one made from it."""
        if not self.message_id:
            return f"{REQUEST_QUEUE}-{self.sequence_number}"
        if instance_ids.is_run_id(self.message_id):
            return self.message_id
        data = self.message_id.encode(errors="surrogatepass")
        return "message-" + hashlib.sha256(data).hexdigest()[:40]


def blueprint(app: Settings) -> Blueprint:
    """Make the function that a message triggers, if a Service Bus is configured."""
    bp = Blueprint()
    if app.service_bus is None:
        log.info("%s is not set: no run is started by a message", SERVICE_BUS)
        return bp
    handler: Any = client_input(bp)(start_run_by_message)
    handler = bp.service_bus_queue_trigger(
        arg_name="message",
        queue_name=REQUEST_QUEUE,
        connection=SERVICE_BUS,
        # As it was sent: text that is no UTF-8 is a dead letter like any other.
        data_type=func.DataType.BINARY,
        cardinality=func.Cardinality.ONE,
    )(handler)
    bp.function_name(functions.START_RUNS)(handler)
    return bp


async def start_run_by_message(
    message: func.ServiceBusMessage, client: Any, context: func.Context
) -> None:
    """Start the run that a message asks for; shell around `settle_message`."""
    with bind_invocation(context):
        bus = messaging()
        if bus is None:
            raise UnsettledMessageError(f"{SERVICE_BUS} is not set")
        record_metric(metrics.QUEUE_AGE, message_age(message, datetime.now(UTC)))
        await settle_message(RequestMessage.from_message(message), client, run_files(), rows(), bus)


def message_age(message: func.ServiceBusMessage, now: datetime) -> float:
    """How many seconds a message has waited; 0 where it does not say when it was sent."""
    sent: datetime | None = message.enqueued_time_utc
    if sent is None:
        return 0.0
    return (now - (sent if sent.tzinfo else sent.replace(tzinfo=UTC))).total_seconds()


async def settle_message(
    message: RequestMessage, client: Any, files: RunFiles, rows: Rows, bus: Messaging
) -> None:
    """Start the run of a message, or hand the message on as a dead letter.

    Raises:
        UnsettledMessageError: It may succeed later.
        AzureError: The dead letter could not be handed on.
    """
    await asyncio.sleep(pause_before(message.delivery))
    failure = await find_failure(_start_in_time(message, client, files, rows))
    if failure is None:
        return
    reason = _reason(failure, message.delivery)
    if reason is None:
        log.error("message '%s' is to come again", message.message_id, exc_info=failure)
        # Whatever it came of, a worker can tell the host of this.
        raise UnsettledMessageError(describe_failure(failure))
    letter = _dead_letter(message, reason, failure)
    await asyncio.to_thread(_hand_on, letter, bus)


def pause_before(delivery: int) -> float:
    """How many seconds a message waits that failed before, or whose worker died.

    Meanwhile others get done, and what was away may be back: the host delivers again at once.
    """
    if delivery <= 1:
        return 0.0
    return min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (delivery - 2))


def _reason(failure: BaseException, delivery: int) -> str | None:
    """Why a message is a dead letter; None if it is to come again."""
    reasons = (text for kind, text in REASONS.items() if issubclass(type(failure), kind))
    if (reason := next(reasons, None)) is not None:
        return reason
    last = LAST_DELIVERY_IF_FAULTY if is_fault(failure) else LAST_DELIVERY
    return START_FAILED if delivery >= last else None


async def _start_in_time(message: RequestMessage, client: Any, files: RunFiles, rows: Rows) -> None:
    # Threads that work for it end by then as well.
    with limit_patience(MAX_START_SECONDS):
        async with asyncio.timeout(MAX_START_SECONDS):
            await _start_run(message, client, files, rows)


async def _start_run(message: RequestMessage, client: Any, files: RunFiles, rows: Rows) -> None:
    request = parse_body(RunRequest, message.body, settings().max_request_bytes)
    if request.run_id is None:
        request = request.model_copy(update={"run_id": message.run_id})
    run = await start_run(request, client, files, rows)
    action = "started" if run.is_new else "found again"
    log.info("%s by message '%s'", action, message.message_id, extra={"run_id": run.run_id})


def _dead_letter(message: RequestMessage, reason: str, failure: BaseException) -> OutgoingMessage:
    is_ours = isinstance(failure, FanoutError)
    description = make_printable(str(failure)) if is_ours else describe_failure(failure)
    log.warning("message '%s' is a dead letter (%s): %s", message.message_id, reason, description)
    return OutgoingMessage(
        body=message.body,
        # Sequence numbers stay as they are at redelivery, and no two messages share one.
        message_id=f"{REQUEST_QUEUE}/{message.sequence_number}",
        content_type=JSON,
        correlation_id=message.message_id,
        properties={
            **_fitting(message.properties),
            **fault_properties(reason, description),
            "DeadLetterSource": REQUEST_QUEUE,
        },
    )


def _fitting(properties: Mapping[str | bytes, Property]) -> Mapping[str | bytes, Property]:
    """What a sender added, unless there would be no room beside it for the reason."""
    size = sum(len(str(name).encode()) + len(str(v).encode()) for name, v in properties.items())
    return properties if size <= MAX_PROPERTY_BYTES else {}


def _hand_on(letter: OutgoingMessage, bus: Messaging) -> None:
    """Send a dead letter; where it is larger than Service Bus takes, with the body cut off.

    Raises:
        ServiceBusError: It could not be sent.
    """
    try:
        bus.send_to_queue(DEAD_LETTER_QUEUE, [letter])
    except MessageSizeExceededError:
        log.warning("the body of '%s' is cut off", letter.correlation_id)
        body = letter.body[:MAX_CUT_BODY_BYTES]
        properties = {**letter.properties, "BodyBytes": len(letter.body)}
        bus.send_to_queue(DEAD_LETTER_QUEUE, [replace(letter, body=body, properties=properties)])
