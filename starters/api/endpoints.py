"""Every endpoint of the HTTP API, in one table.

The functions and their routes, the roles that they take and the OpenAPI document are made from it.
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
    Diagnosis,
    Health,
    IndexReport,
    ItemPage,
    RunPage,
    ScheduleList,
    WorkloadDescription,
    WorkloadList,
)
from fanout.models.estimate import DryRun
from fanout.models.limits import LimitsChange
from fanout.models.numbers import MAX_MOMENT_CHARACTERS
from fanout.models.outcome import ItemStatus
from fanout.models.redrive import RedriveRequest
from fanout.models.request import MAX_WORKLOAD_CHARACTERS, RunRequest
from fanout.models.status import ResultManifest, RunOutcome, RunStatus
from fanout.models.timeline import RunTimeline
from fanout.naming import functions
from starters.api.roles import Role
from starters.lifecycle.claim import KEY_HEADER, KEY_PATTERN, MAX_KEY_CHARACTERS

RUNS_A_PAGE = 20
MAX_RUNS_A_PAGE = 100
ITEMS_A_PAGE = 100
PART_OF_INDEX = 500
MAX_PART_OF_INDEX = 1000
# Storage's own are the longest that are part of one.
MAX_CONTINUATION_CHARACTERS = 1_000
MAX_RUN_ID_CHARACTERS = 100
# More digits are read for no number of the query.
MAX_ATTEMPT = 999_999_999
Schema = dict[str, Any]


@dataclass(frozen=True)
class Argument:
    """Something that a caller may send in the query or in a header.

    Attributes:
        name: Its name there.
        description: What it does, for the OpenAPI document.
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
        method: The HTTP method.
        route: Its path below ``/api/``.
        role: The role that it takes where callers sign in; None is open to anybody, without a key.
        summary: What it does, in a sentence.
        answers: The models of its answer, by status; no model means no JSON, or any.
        arguments: What it takes in the query and in headers.
        body: The model of its JSON body; None takes no body.
        needs_body: Whether the body is required.
        refusals: Statuses of problems that only this endpoint has.
        is_file: Whether it answers with a file, of any media type.
        is_long: Whether it may take as long as it needs.
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
    is_long: bool = False


def _limit(default: int, maximum: int) -> Argument:
    schema = {"type": "integer", "minimum": 1, "maximum": maximum, "default": default}
    return Argument("limit", "How many a page is to have at most.", schema)


def _choice(name: str, description: str, choices: Any) -> Argument:
    return Argument(name, description, {"type": "string", "enum": [*get_args(choices)]})


def _get(
    function: str, route: str, model: type[BaseModel] | None, summary: str, **more: Any
) -> Endpoint:
    """An endpoint that only reads."""
    answers = {HTTPStatus.OK: (model,) if model else ()}
    return Endpoint(function, "GET", route, Role.READER, summary, answers, **more)


def _control(function: str, verb: str, summary: str, **more: Any) -> Endpoint:
    """An endpoint that asks something of a run."""
    return Endpoint(
        function=function,
        method="POST",
        route=f"runs/{{run_id}}/{verb}",
        role=Role.OPERATOR,
        summary=summary,
        answers={HTTPStatus.ACCEPTED: (Accepted,)},
        refusals=(HTTPStatus.CONFLICT,),
        **more,
    )


_CONTINUATION = Argument(
    "continuation",
    "Where the page before ended, as it said.",
    {"type": "string", "maxLength": MAX_CONTINUATION_CHARACTERS},
)
_KEY = Argument(
    KEY_HEADER,
    "The same key with the same request finds the run that it started before.",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_KEY_CHARACTERS,
        "pattern": KEY_PATTERN,
    },
    "header",
)
_FILTERS = (
    Argument(
        "workload",
        "Only runs of this workload.",
        {"type": "string", "maxLength": MAX_WORKLOAD_CHARACTERS},
    ),
    _choice("outcome", "Only runs that ended so.", RunOutcome),
    Argument(
        "since",
        "Only runs claimed then or later.",
        {"type": "string", "format": "date-time", "maxLength": MAX_MOMENT_CHARACTERS},
    ),
    Argument(
        "text",
        "Only runs whose id has this in it, in capitals or not.",
        {"type": "string", "maxLength": MAX_RUN_ID_CHARACTERS},
    ),
)
_STATUS = _choice("status", "Only items that stand so.", ItemStatus)
_ATTEMPT = Argument(
    "attempt",
    "Which attempt of the run is meant; without it the newest.",
    {"type": "integer", "minimum": 1, "maximum": MAX_ATTEMPT},
)

# Runs
START_RUN = Endpoint(
    function=functions.START_RUN,
    method="POST",
    route="runs",
    role=Role.OPERATOR,
    summary="Start a run, or find the one that this request started before.",
    answers={HTTPStatus.ACCEPTED: (Accepted,), HTTPStatus.OK: (DryRun, Accepted)},
    arguments=(_KEY,),
    body=RunRequest,
    needs_body=True,
    refusals=(HTTPStatus.CONFLICT,),
)
LIST_RUNS = _get(
    functions.LIST_RUNS,
    "runs",
    RunPage,
    "List runs, newest first.",
    arguments=(*_FILTERS, _limit(RUNS_A_PAGE, MAX_RUNS_A_PAGE), _CONTINUATION),
)
GET_RUN = _get(
    functions.GET_RUN,
    "runs/{run_id}",
    RunStatus,
    "Tell how a run stands.",
    refusals=(HTTPStatus.CONFLICT,),
)
GET_REQUEST = _get(
    functions.GET_REQUEST,
    "runs/{run_id}/request",
    RunRequest,
    "Give the request of a run, as an attempt carries it out.",
    arguments=(_ATTEMPT,),
    refusals=(HTTPStatus.CONFLICT,),
)
GET_TIMELINE = _get(
    functions.GET_TIMELINE,
    "runs/{run_id}/timeline",
    RunTimeline,
    "Tell what the shards of an attempt of a run did when.",
    arguments=(_ATTEMPT,),
    refusals=(HTTPStatus.CONFLICT,),
)
CHANGE_RUN = Endpoint(
    function=functions.CHANGE_RUN,
    method="PATCH",
    route="runs/{run_id}",
    role=Role.OPERATOR,
    summary="Change concurrency, rate or tolerance of a run that goes on.",
    answers={HTTPStatus.OK: (ChangedLimits,)},
    body=LimitsChange,
    needs_body=True,
    refusals=(HTTPStatus.CONFLICT,),
)
DELETE_RUN = Endpoint(
    function=functions.DELETE_RUN,
    method="DELETE",
    route="runs/{run_id}",
    role=Role.ADMIN,
    summary="Delete a run that is over: its history, its blobs, its id.",
    answers={HTTPStatus.NO_CONTENT: ()},
    refusals=(HTTPStatus.CONFLICT,),
    is_long=True,
)
REBUILD_INDEX = Endpoint(
    function=functions.REBUILD_INDEX,
    method="POST",
    route="index/rebuild",
    role=Role.ADMIN,
    summary="Rebuild a part of the index of runs, which lists are made from, from the runs.",
    answers={HTTPStatus.OK: (IndexReport,)},
    is_long=True,
    arguments=(_limit(PART_OF_INDEX, MAX_PART_OF_INDEX), _CONTINUATION),
)

# Items and results
LIST_ITEMS = _get(
    functions.LIST_ITEMS,
    "runs/{run_id}/items",
    ItemPage,
    "List what happened to the items of a run, in source order.",
    arguments=(_STATUS, _limit(ITEMS_A_PAGE, MAX_PAGE), _CONTINUATION),
    refusals=(HTTPStatus.CONFLICT,),
)
GET_RESULTS = _get(
    functions.GET_RESULTS,
    "runs/{run_id}/results",
    ResultManifest,
    "List the result files of a run that is over.",
    refusals=(HTTPStatus.CONFLICT,),
)
GET_RESULT_FILE = _get(
    functions.GET_RESULT_FILE,
    "runs/{run_id}/results/{*name}",
    None,
    "Give the content of a result file.",
    is_file=True,
    is_long=True,
    refusals=(HTTPStatus.CONFLICT,),
)

# Control
CANCEL_RUN = _control(
    functions.CANCEL_RUN, "cancel", "Let nothing more begin; batches in flight finish."
)
SUSPEND_RUN = _control(
    functions.SUSPEND_RUN, "suspend", "Let nothing begin until the run is resumed."
)
RESUME_RUN = _control(functions.RESUME_RUN, "resume", "Let a suspended run go on.")
REDRIVE_RUN = _control(
    functions.REDRIVE_RUN,
    "redrive",
    "Begin a further attempt of a run that is over, over its failed and pending items.",
    body=RedriveRequest,
)

# The app
LIST_WORKLOADS = _get(functions.LIST_WORKLOADS, "workloads", WorkloadList, "List what can be run.")
GET_WORKLOAD = _get(
    functions.GET_WORKLOAD,
    "workloads/{name}",
    WorkloadDescription,
    "Describe one workload.",
    refusals=(HTTPStatus.NOT_FOUND,),
)
LIST_SCHEDULES = _get(
    functions.LIST_SCHEDULES,
    "schedules",
    ScheduleList,
    "List the schedules: when each is due next, and its last run.",
)
GET_HEALTH = Endpoint(
    function=functions.GET_HEALTH,
    method="GET",
    route="health",
    role=None,
    summary="Tell whether what the app depends on answers.",
    answers={HTTPStatus.OK: (Health,), HTTPStatus.SERVICE_UNAVAILABLE: (Health,)},
)
GET_DIAGNOSIS = Endpoint(
    function=functions.GET_DIAGNOSIS,
    method="GET",
    route="diagnosis",
    role=Role.ADMIN,
    summary="Look at versions, hub, storage, Service Bus, clock, limits and vault; say what to do.",
    answers={HTTPStatus.OK: (Diagnosis,)},
)
GET_OPENAPI = _get(functions.GET_OPENAPI, "openapi.json", None, "Describe this API (OpenAPI 3.1).")

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Endpoint))
