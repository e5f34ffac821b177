"""The Service Bus starter: each message of the queue `fanout-requests` is a RunRequest.

Messages come in batches. The host completes or abandons a batch as a whole, since a Python function
cannot settle one message. So a message that can never succeed is handed on as a dead letter, and
the function fails only if a message may succeed later: then the whole batch is delivered again.
That starts no run twice, because the id of a run is made from its message.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, List  # noqa: UP035

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.messaging import (
    DEAD_LETTER_QUEUE,
    REQUEST_QUEUE,
    Messaging,
    OutgoingMessage,
    Property,
    fault_properties,
    messaging,
)
from fanout.adapters.rows.rows import Rows, rows
from fanout.adapters.run_files.files import RunFiles, run_files
from fanout.adapters.settings import SERVICE_BUS, Settings, settings
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.logs import bind_invocation, logger
from fanout.adapters.telemetry.otel import record_metric
from fanout.errors import FanoutError, InvalidRequestError, RunConflictError
from fanout.models.request import RunRequest
from fanout.naming import functions, instance_ids
from fanout.naming.media_types import JSON
from starters.lifecycle.parse import RequestTooLargeError, parse_body
from starters.lifecycle.start import RunStart, start_run

# As many as the storage client keeps connections for; each message takes several calls.
MAX_AT_ONCE = 10
REASONS: dict[type[FanoutError], str] = {
    InvalidRequestError: "InvalidRequest",
    RequestTooLargeError: "RequestTooLarge",
    RunConflictError: "RunConflict",
}
log = logger("service_bus")


class UnfinishedBatchError(Exception):
    """Some messages of a batch may succeed later; the whole batch is to be delivered again."""


@dataclass(frozen=True)
class RequestMessage:
    """A message as it was delivered.

    Attributes:
        body: A RunRequest as JSON, if it is sound.
        sequence_number: Its number in the queue, the same at every delivery.
        message_id: The id that its sender gave it; None where the sender gave none.
        properties: What its sender added.
    """

    body: bytes
    sequence_number: int
    message_id: str | None = None
    properties: dict[str | bytes, Property] = field(default_factory=dict)

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


def blueprint(app: Settings) -> df.Blueprint:
    """Make the function that a message triggers, if a Service Bus is configured."""
    bp = df.Blueprint()
    if app.service_bus is None:
        log.info("%s is not set: no run is started by a message", SERVICE_BUS)
        return bp
    handler: Any = bp.durable_client_input(client_name="client")(start_runs)
    handler = bp.service_bus_queue_trigger(
        arg_name="messages",
        queue_name=REQUEST_QUEUE,
        connection=SERVICE_BUS,
        # As they were sent: text that is no UTF-8 is a dead letter like any other.
        data_type=func.DataType.BINARY,
        cardinality=func.Cardinality.MANY,
    )(handler)
    bp.function_name(functions.START_RUNS)(handler)
    return bp


# The worker takes List[...], and refuses list[...].
async def start_runs(
    messages: List[func.ServiceBusMessage],  # noqa: UP006
    client: Any,
    context: func.Context,
) -> None:
    """Start the runs that a batch of messages asks for; shell around `start_all`."""
    with bind_invocation(context):
        bus = messaging()
        if bus is None:
            raise UnfinishedBatchError(f"{SERVICE_BUS} is not set")
        record_metric(metrics.QUEUE_AGE, oldest_age(messages, datetime.now(UTC)))
        await start_all(
            [RequestMessage.from_message(message) for message in messages],
            client,
            run_files(),
            rows(),
            bus,
        )


def oldest_age(messages: Sequence[func.ServiceBusMessage], now: datetime) -> float:
    """How many seconds the oldest message has waited; 0 where no message says when it was sent."""
    sent = [message.enqueued_time_utc for message in messages if message.enqueued_time_utc]
    aware = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in sent)
    return max(((now - moment).total_seconds() for moment in aware), default=0.0)


async def start_all(
    messages: Sequence[RequestMessage], client: Any, files: RunFiles, rows: Rows, bus: Messaging
) -> None:
    """Start a run for each message, or hand the message on as a dead letter.

    Raises:
        UnfinishedBatchError: Some messages may succeed later; all others are done with.
        AzureError: The dead letters could not be handed on.
    """
    gate = asyncio.Semaphore(MAX_AT_ONCE)

    async def start(message: RequestMessage) -> RunStart:
        async with gate:
            return await _start_one(message, client, files, rows)

    results = await asyncio.gather(*map(start, messages), return_exceptions=True)
    letters, failures = [], []
    for message, result in zip(messages, results, strict=True):
        if type(result) in REASONS:
            letters.append(_dead_letter(message, result))
        elif isinstance(result, BaseException):
            log.error("message '%s' is to come again", message.message_id, exc_info=result)
            failures.append(result)
    await asyncio.to_thread(bus.send_to_queue, DEAD_LETTER_QUEUE, letters)
    if failures:
        raise UnfinishedBatchError(
            f"{len(failures)} of {len(messages)} messages are to come again"
        ) from failures[0]


async def _start_one(message: RequestMessage, client: Any, files: RunFiles, rows: Rows) -> RunStart:
    request = parse_body(RunRequest, message.body, settings().max_request_bytes)
    if request.run_id is None:
        request = request.model_copy(update={"run_id": message.run_id})
    run = await start_run(request, client, files, rows)
    action = "started" if run.is_new else "found again"
    log.info("%s by message '%s'", action, message.message_id, extra={"run_id": run.run_id})
    return run


def _dead_letter(message: RequestMessage, error: Any) -> OutgoingMessage:
    reason = REASONS[type(error)]
    log.warning("message '%s' is a dead letter (%s): %s", message.message_id, reason, error)
    return OutgoingMessage(
        body=message.body,
        # Sequence numbers stay as they are at redelivery, and no two messages share one.
        message_id=f"{REQUEST_QUEUE}/{message.sequence_number}",
        content_type=JSON,
        correlation_id=message.message_id,
        properties={
            **message.properties,
            **fault_properties(reason, str(error)),
            "DeadLetterSource": REQUEST_QUEUE,
        },
    )
