"""The Service Bus starter: each message of the queue `fanout-requests` is a RunRequest.

Messages come in batches, and the host completes or abandons a batch as a whole: Python functions
cannot settle one message. So a message that can never succeed is handed on as a dead letter, and
the batch is failed only for what may succeed later. Redelivery then starts no run twice, because a
message's run has an id made from the message.
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
from fanout.naming import functions, instance_ids
from fanout.naming.media_types import JSON
from starters.api.problems import RequestTooLargeError
from starters.lifecycle.begin import begin
from starters.lifecycle.submit import Claimed, parse_request

# As many as the storage client keeps connections for; each message takes several calls.
MAX_AT_ONCE = 10
REASONS: dict[type[FanoutError], str] = {
    InvalidRequestError: "InvalidRequest",
    RequestTooLargeError: "RequestTooLarge",
    RunConflictError: "RunConflict",
}
log = logger("service_bus")


class UnfinishedBatchError(Exception):
    """Messages of a batch could not be dealt with; all of it is to be delivered again."""


@dataclass(frozen=True)
class Request:
    """A message as it was delivered.

    Attributes:
        sequence_number: Which message of the queue it is, at every delivery.
        properties: Those that whoever sent it gave it.
    """

    body: bytes
    sequence_number: int
    message_id: str | None = None
    properties: dict[str | bytes, Property] = field(default_factory=dict)

    @classmethod
    def of(cls, message: func.ServiceBusMessage) -> "Request":
        """Take what matters of a message."""
        simple = (str, bool, int, float)
        given = message.application_properties or {}
        return cls(
            body=message.get_body(),
            sequence_number=int(message.sequence_number or 0),
            message_id=message.message_id,
            properties={name: v for name, v in given.items() if isinstance(v, simple)},
        )

    @property
    def run_id(self) -> str:
        """The id of its run, if the request itself names none: the message's, where it is one."""
        if not self.message_id:
            return f"{REQUEST_QUEUE}-{self.sequence_number}"
        if instance_ids.is_run_id(self.message_id):
            return self.message_id
        return "message-" + hashlib.sha256(self.message_id.encode()).hexdigest()[:40]


def blueprint(to: Settings) -> df.Blueprint:
    """Make the function that a message triggers, if a Service Bus is configured."""
    made = df.Blueprint()
    if to.service_bus is None:
        log.info("%s is not set: no run is started by a message", SERVICE_BUS)
        return made
    handler: Any = made.durable_client_input(client_name="client")(start_runs)
    handler = made.service_bus_queue_trigger(
        arg_name="messages",
        queue_name=REQUEST_QUEUE,
        connection=SERVICE_BUS,
        # As they were sent: text that is no UTF-8 is a dead letter like any other.
        data_type=func.DataType.BINARY,
        cardinality=func.Cardinality.MANY,
    )(handler)
    made.function_name(functions.START_RUNS)(handler)
    return made


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
        record_metric(metrics.QUEUE_AGE, age_of(messages, datetime.now(UTC)))
        await start_all(
            [Request.of(message) for message in messages], client, run_files(), rows(), bus
        )


def age_of(messages: Sequence[func.ServiceBusMessage], now: datetime) -> float:
    """How many seconds the oldest of some messages has waited; 0 where none says since when."""
    sent = [message.enqueued_time_utc for message in messages if message.enqueued_time_utc]
    aware = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in sent)
    return max(((now - moment).total_seconds() for moment in aware), default=0.0)


async def start_all(
    requests: Sequence[Request], client: Any, files: RunFiles, to: Rows, bus: Messaging
) -> None:
    """Start a run for each request, or hand it on as a dead letter.

    Raises:
        UnfinishedBatchError: Some may succeed later; every other one has been dealt with.
        AzureError: The dead letters could not be handed on.
    """
    gate = asyncio.Semaphore(MAX_AT_ONCE)

    async def start(request: Request) -> Claimed:
        async with gate:
            return await _start(request, client, files, to)

    ended = await asyncio.gather(*map(start, requests), return_exceptions=True)
    faulty, failures = [], []
    for request, end in zip(requests, ended, strict=True):
        if type(end) in REASONS:
            faulty.append((request, end))
        elif isinstance(end, BaseException):
            log.error("message '%s' is to come again", request.message_id, exc_info=end)
            failures.append(end)
    letters = [_dead_letter(request, error) for request, error in faulty]
    await asyncio.to_thread(bus.send_to_queue, DEAD_LETTER_QUEUE, letters)
    if failures:
        raise UnfinishedBatchError(
            f"{len(failures)} of {len(requests)} messages are to come again"
        ) from failures[0]


async def _start(message: Request, client: Any, files: RunFiles, to: Rows) -> Claimed:
    request = parse_request(message.body, settings().max_request_bytes)
    if request.run_id is None:
        request = request.model_copy(update={"run_id": message.run_id})
    claimed = await begin(request, client, files, to)
    what = "started" if claimed.is_new else "found again"
    log.info("%s by message '%s'", what, message.message_id, extra={"run_id": claimed.run_id})
    return claimed


def _dead_letter(request: Request, error: Any) -> OutgoingMessage:
    reason = REASONS[type(error)]
    log.warning("message '%s' is a dead letter (%s): %s", request.message_id, reason, error)
    return OutgoingMessage(
        body=request.body,
        # Sequence numbers stay as they are at redelivery, and no two messages share one.
        message_id=f"{REQUEST_QUEUE}/{request.sequence_number}",
        content_type=JSON,
        correlation_id=request.message_id,
        properties={
            **request.properties,
            **fault_properties(reason, str(error)),
            "DeadLetterSource": REQUEST_QUEUE,
        },
    )
