"""Requests about orchestration instances."""

from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from localhost.durable.api import views
from localhost.durable.api.answers import (
    ARGUMENT_FAULT,
    empty_answer,
    exception_answer,
    json_answer,
)
from localhost.durable.api.client_binding import DEFAULT_CONNECTION, WEBHOOKS, management_urls
from localhost.durable.api.parameters import (
    JSON,
    body_text,
    flag,
    instance_filter,
    json_text,
    moment,
    seconds,
    whole_number,
)
from localhost.durable.api.waiting import wait_for_end
from localhost.durable.errors import (
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    StorageRefusalError,
)
from localhost.durable.records import InstanceRecord
from localhost.durable.service import DurableService

START_RETRY_AFTER = "10"
STATUS_RETRY_AFTER = "5"
PAGE = 100
TOKEN_HEADER = "x-ms-continuation-token"  # noqa: S105  no secret: it names a page
_RUNNING = ("Running", "Pending", "ContinuedAsNew", "Suspended")
_START_URLS = (
    "id",
    "statusQueryGetUri",
    "sendEventPostUri",
    "terminatePostUri",
    "purgeHistoryDeleteUri",
    "restartPostUri",
    "suspendPostUri",
    "resumePostUri",
)


async def start(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Start an orchestration, and wait for its end where that is asked for."""
    limits = _wait_limits(request)
    if limits is not None and limits[0] < limits[1]:
        total, interval = (f"{value:g}" for value in limits)
        message = f"Total timeout {total} should be bigger than retry timeout {interval}"
        return json_answer({"Message": message}, HTTPStatus.BAD_REQUEST)
    text = await body_text(request)
    instance_id = await service.start_instance(
        parts[1],
        instance_id=parts[2] if len(parts) > 2 else None,
        input_text=json_text(text) if text.strip() else None,
        version=request.query.get("version"),
        trace_parent=_trace_parent(request),
    )
    return await _answer_start(service, request, instance_id)


def _trace_parent(request: web.Request) -> str | None:
    # One that cannot be read begins a new trace (W3C Trace Context, 3.2.2.5); it is no error.
    text = request.headers.get("traceparent")
    return text if text is not None and text.isascii() else None


async def restart(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Start the same again."""
    with_new_id = flag(request.query, "restartWithNewInstanceId", default=True)
    try:
        instance_id = await service.restart(parts[1], with_new_id=with_new_id)
    except InstanceNotFoundError as error:
        message = "InstanceId does not match a valid orchestration instance."
        return exception_answer(error, HTTPStatus.BAD_REQUEST, message)
    except InstanceExistsError as error:
        message = "A non-terminal instance with this instance ID already exists."
        return exception_answer(error, HTTPStatus.CONFLICT, message)
    return await _answer_start(service, request, instance_id)


async def _answer_start(
    service: DurableService, request: web.Request, instance_id: str
) -> web.Response:
    limits = _wait_limits(request)
    if limits is not None:
        record = await wait_for_end(service, instance_id, *limits)
        if record is not None:
            return _end_answer(record)
    base = f"{request.scheme}://{request.host}{WEBHOOKS}"
    connection = quote(request.query.get("connection", DEFAULT_CONNECTION))
    code = quote(request.query.get("code", ""), safe="")
    scope = f"taskHub={service.hub_name}&connection={connection}&code={code}"
    urls = management_urls(base, instance_id, scope)
    headers = {"Location": urls["statusQueryGetUri"], "Retry-After": START_RETRY_AFTER}
    return json_answer({name: urls[name] for name in _START_URLS}, HTTPStatus.ACCEPTED, headers)


def _wait_limits(request: web.Request) -> tuple[float, float] | None:
    """How long to wait for the end, and how long at most between two looks."""
    timeout = seconds(request.query, "timeout")
    interval = seconds(request.query, "pollingInterval")
    return None if timeout is None or interval is None else (timeout, interval)


def _end_answer(record: InstanceRecord) -> web.Response:
    if record.runtime_status == "Completed":
        return json_answer(views.json_value(record.output_text))
    return json_answer(views.status(record, show_input=True))


async def status(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Tell how an instance stands."""
    record = await service.get_instance(parts[1])
    if record is None:
        return empty_answer(HTTPStatus.NOT_FOUND)
    show_input = flag(request.query, "showInput", default=True)
    history = None
    if flag(request.query, "showHistory") and record.runtime_status != "Pending":
        try:
            history = views.history_events(
                await service.history(record.instance_id),
                show_input=show_input,
                show_output=flag(request.query, "showHistoryOutput"),
            )
        except views.DoubledEventError as error:
            return exception_answer(error, HTTPStatus.BAD_REQUEST, ARGUMENT_FAULT)
    view = views.status(record, show_input=show_input, history=history)
    if record.runtime_status in _RUNNING:
        location = str(request.url).replace("%40", "@")
        headers = {"Location": location, "Retry-After": STATUS_RETRY_AFTER}
        return json_answer(view, HTTPStatus.ACCEPTED, headers)
    wants_500 = flag(request.query, "returnInternalServerErrorOnFailure")
    if record.runtime_status == "Failed" and wants_500:
        return json_answer(view, HTTPStatus.INTERNAL_SERVER_ERROR)
    return json_answer(view)


async def list_instances(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """List instances, a page at a time."""
    top = whole_number(request.query, "top", PAGE)
    if top < 0:
        raise StorageRefusalError("An error occurred while communicating with Azure Storage")
    records, token = await service.query_instances(
        instance_filter(request), top=top, token=request.headers.get(TOKEN_HEADER) or None
    )
    show_input = flag(request.query, "showInput", default=True)
    body = [views.status(record, show_input=show_input) for record in records]
    return json_answer(body, headers={TOKEN_HEADER: token} if token else None)


async def raise_event(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """Deliver an external event."""
    record = await service.get_instance(parts[1])
    if record is None:
        raise InstanceNotFoundError(parts[1])
    if record.is_finished:
        raise InstanceFinishedError(parts[1])
    if request.content_type != JSON:
        message = "Only application/json request content is supported"
        return json_answer({"Message": message}, HTTPStatus.BAD_REQUEST)
    await service.raise_event(parts[1], parts[3], json_text(await body_text(request)))
    return empty_answer(HTTPStatus.ACCEPTED)


def _reason(request: web.Request) -> str | None:
    return request.query.get("reason") or None


async def terminate(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """End an instance now."""
    await service.terminate(parts[1], _reason(request))
    return empty_answer(HTTPStatus.ACCEPTED)


async def suspend(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Hold an instance back."""
    await service.suspend(parts[1], _reason(request) or "")
    return empty_answer(HTTPStatus.ACCEPTED)


async def resume(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Let an instance go on."""
    await service.resume(parts[1], _reason(request) or "")
    return empty_answer(HTTPStatus.ACCEPTED)


async def rewind(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Run what failed again."""
    try:
        await service.rewind(parts[1], _reason(request) or "")
    except InstanceNotFoundError:
        # The dollar sign is the extension's.
        message = f'No orchestration with instance ID "${parts[1]}" found.'
        return json_answer(message, HTTPStatus.NOT_FOUND)
    return empty_answer(HTTPStatus.ACCEPTED)


async def purge(service: DurableService, request: web.Request, parts: list[str]) -> web.Response:
    """Remove one instance."""
    return _purge_answer(await service.purge(parts[1]))


async def purge_many(
    service: DurableService, request: web.Request, parts: list[str]
) -> web.Response:
    """Remove the finished instances that a filter means."""
    if moment(request.query, "createdTimeFrom") is None:
        message = "Please provide value for 'createdTimeFrom' parameter."
        return json_answer(message, HTTPStatus.BAD_REQUEST)
    return _purge_answer(await service.purge_many(instance_filter(request)))


def _purge_answer(count: int) -> web.Response:
    return json_answer({"instancesDeleted": count}) if count else empty_answer(HTTPStatus.NOT_FOUND)
