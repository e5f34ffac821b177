"""Every endpoint of the HTTP API, in one table.

The routes of the functions, who may call them, the OpenAPI document and the tests of all three are
made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, get_args

from pydantic import BaseModel

from fanout.adapters.run_files.outcome_pages import MAX_PAGE
from fanout.models.answers import (
    Accepted,
    ChangedLimits,
    Health,
    ItemPage,
    RunPage,
    ScheduleList,
    WorkloadDescription,
    WorkloadList,
)
from fanout.models.estimate import DryRun
from fanout.models.limits import LimitsChange
from fanout.models.outcome import ItemStatus
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.status import ResultManifest, RunOutcome, RunStatus
from fanout.models.timeline import RunTimeline
from fanout.naming import functions
from starters.api.roles import Role

RUNS_A_PAGE = 20
MAX_RUNS_A_PAGE = 100
ITEMS_A_PAGE = 100
Schema = dict[str, Any]


@dataclass(frozen=True)
class Argument:
    """Something that a caller may say in the query or in a header.

    Attributes:
        schema: Its JSON Schema.
        place: ``query`` or ``header``.
    """

    name: str
    description: str
    schema: Schema
    place: str = "query"


@dataclass(frozen=True)
class Endpoint:
    """A method of a route.

    Attributes:
        function: The name of its function.
        role: Who may call it where callers sign in; None is anybody, without a key, too.
        answers: What it gives where all is well: models of JSON, by status; none has no model.
        arguments: Beside those of the route.
        body: The model of the JSON body; None takes none.
        needs_body: Whether it cannot be left out.
        refusals: Statuses of problems beyond those that every endpoint of its kind has.
        is_file: Whether it answers with a file as it is, of any media type.
    """

    function: str
    method: str
    route: str
    role: Role | None
    summary: str
    answers: Mapping[HTTPStatus, tuple[type[BaseModel], ...]]
    arguments: tuple[Argument, ...] = ()
    body: type[BaseModel] | None = None
    needs_body: bool = False
    refusals: tuple[HTTPStatus, ...] = ()
    is_file: bool = False


def _limit(default: int, most: int) -> Argument:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Argument("limit", "How many a page is to have at most.", schema)


def _choice(name: str, description: str, choices: Any) -> Argument:
    return Argument(name, description, {"type": "string", "enum": [*get_args(choices)]})


def _steering(function: str, verb: str, summary: str) -> Endpoint:
    return Endpoint(
        function, "POST", f"runs/{{run_id}}/{verb}", Role.OPERATOR, summary,
        {HTTPStatus.ACCEPTED: (Accepted,)}, refusals=(HTTPStatus.CONFLICT,),
    )  # fmt: skip


_CONTINUATION = Argument(
    "continuation", "Where the page before ended, as it said.", {"type": "string"}
)
_KEY = Argument(
    "Idempotency-Key",
    "The same key with the same request finds the run that it started before.",
    {"type": "string", "maxLength": 1024},
    "header",
)
_FILTERS = (
    Argument("workload", "Only runs of this workload.", {"type": "string"}),
    _choice("outcome", "Only runs that ended so.", RunOutcome),
    Argument(
        "since", "Only runs claimed then or later.", {"type": "string", "format": "date-time"}
    ),
    Argument("text", "Only runs whose id has this in it, in capitals or not.", {"type": "string"}),
)
_ATTEMPT = Argument(
    "attempt",
    "Which attempt of the run is meant; without it the newest.",
    {"type": "integer", "minimum": 1},
)

START_RUN = Endpoint(
    functions.START_RUN, "POST", "runs", Role.OPERATOR,
    "Start a run, or find the one that this request started before.",
    {HTTPStatus.ACCEPTED: (Accepted,), HTTPStatus.OK: (DryRun, Accepted)},
    arguments=(_KEY,), body=RunRequest, needs_body=True, refusals=(HTTPStatus.CONFLICT,),
)  # fmt: skip
LIST_RUNS = Endpoint(
    functions.LIST_RUNS, "GET", "runs", Role.READER, "List runs, newest first.",
    {HTTPStatus.OK: (RunPage,)},
    arguments=(*_FILTERS, _limit(RUNS_A_PAGE, MAX_RUNS_A_PAGE), _CONTINUATION),
)  # fmt: skip
GET_RUN = Endpoint(
    functions.GET_RUN, "GET", "runs/{run_id}", Role.READER, "Tell how a run stands.",
    {HTTPStatus.OK: (RunStatus,)},
)  # fmt: skip
GET_REQUEST = Endpoint(
    functions.GET_REQUEST, "GET", "runs/{run_id}/request", Role.READER,
    "Give the request of a run, as an attempt carries it out.",
    {HTTPStatus.OK: (RunRequest,)}, arguments=(_ATTEMPT,),
)  # fmt: skip
GET_TIMELINE = Endpoint(
    functions.GET_TIMELINE, "GET", "runs/{run_id}/timeline", Role.READER,
    "Tell what the shards of an attempt of a run did when.",
    {HTTPStatus.OK: (RunTimeline,)}, arguments=(_ATTEMPT,),
)  # fmt: skip
CHANGE_RUN = Endpoint(
    functions.CHANGE_RUN, "PATCH", "runs/{run_id}", Role.OPERATOR,
    "Change concurrency, rate or tolerance of a run that goes on.",
    {HTTPStatus.OK: (ChangedLimits,)}, body=LimitsChange, needs_body=True,
    refusals=(HTTPStatus.CONFLICT,),
)  # fmt: skip
DELETE_RUN = Endpoint(
    functions.DELETE_RUN, "DELETE", "runs/{run_id}", Role.ADMIN,
    "Delete a run that is over: its history, its blobs, its id.",
    {HTTPStatus.NO_CONTENT: ()}, refusals=(HTTPStatus.CONFLICT,),
)  # fmt: skip
LIST_ITEMS = Endpoint(
    functions.LIST_ITEMS, "GET", "runs/{run_id}/items", Role.READER,
    "List what happened to the items of a run, in source order.",
    {HTTPStatus.OK: (ItemPage,)},
    arguments=(
        _choice("status", "Only items that stand so.", ItemStatus),
        _limit(ITEMS_A_PAGE, MAX_PAGE), _CONTINUATION,
    ),
)  # fmt: skip
GET_RESULTS = Endpoint(
    functions.GET_RESULTS, "GET", "runs/{run_id}/results", Role.READER,
    "List the result files of a run that is over.",
    {HTTPStatus.OK: (ResultManifest,)}, refusals=(HTTPStatus.CONFLICT,),
)  # fmt: skip
GET_RESULT_FILE = Endpoint(
    functions.GET_RESULT_FILE, "GET", "runs/{run_id}/results/{*name}", Role.READER,
    "Give the content of a result file.", {HTTPStatus.OK: ()}, is_file=True,
)  # fmt: skip
CANCEL_RUN = _steering(
    functions.CANCEL_RUN, "cancel", "Let nothing more begin; batches in flight finish."
)
SUSPEND_RUN = _steering(
    functions.SUSPEND_RUN, "suspend", "Let nothing begin until the run is resumed."
)
RESUME_RUN = _steering(functions.RESUME_RUN, "resume", "Let a suspended run go on.")
REDRIVE_RUN = Endpoint(
    functions.REDRIVE_RUN, "POST", "runs/{run_id}/redrive", Role.OPERATOR,
    "Begin a further attempt of a run that is over, over its failed and pending items.",
    {HTTPStatus.ACCEPTED: (Accepted,)}, body=RedriveRequest, refusals=(HTTPStatus.CONFLICT,),
)  # fmt: skip
LIST_WORKLOADS = Endpoint(
    functions.LIST_WORKLOADS, "GET", "workloads", Role.READER, "List what can be run.",
    {HTTPStatus.OK: (WorkloadList,)},
)  # fmt: skip
GET_WORKLOAD = Endpoint(
    functions.GET_WORKLOAD, "GET", "workloads/{name}", Role.READER, "Describe one workload.",
    {HTTPStatus.OK: (WorkloadDescription,)}, refusals=(HTTPStatus.NOT_FOUND,),
)  # fmt: skip
LIST_SCHEDULES = Endpoint(
    functions.LIST_SCHEDULES, "GET", "schedules", Role.READER,
    "List the schedules: when each is due next, and its last run.",
    {HTTPStatus.OK: (ScheduleList,)},
)  # fmt: skip
GET_HEALTH = Endpoint(
    functions.GET_HEALTH, "GET", "health", None,
    "Tell whether what the app depends on answers.",
    {HTTPStatus.OK: (Health,), HTTPStatus.SERVICE_UNAVAILABLE: (Health,)},
)  # fmt: skip
GET_OPENAPI = Endpoint(
    functions.GET_OPENAPI, "GET", "openapi.json", Role.READER, "Describe this API (OpenAPI 3.1).",
    {HTTPStatus.OK: ()},
)  # fmt: skip

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Endpoint))
