import json
from http import HTTPStatus

import pytest

from fanout.errors import (
    FanoutError,
    FieldProblem,
    InvalidRequestError,
    RunConflictError,
    RunNotFoundError,
    SourceChangedError,
)
from starters.api.problems import answer_to, problem
from starters.lifecycle.parse import RequestTooLargeError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequestError([FieldProblem("source.blob", "does not exist")]), 400),
        (RequestTooLargeError("too long"), 413),
        (RunNotFoundError("r"), 404),
        (RunConflictError("r", "still running"), 409),
        (SourceChangedError("a.csv"), 500),
        (FanoutError("whatever"), 500),
    ],
)
def test_each_error_has_its_answer_as_problem_json(error: FanoutError, status: int):
    response = answer_to(error)
    body = json.loads(response.get_body())
    assert response.status_code == status == body["status"]
    assert response.mimetype == "application/problem+json"
    assert body["type"].startswith("urn:fanout:problem:")
    assert {"title", "detail"} <= body.keys()


def test_the_fields_that_are_wrong_are_listed():
    errors = [FieldProblem("a.b", "no"), FieldProblem("c", "neither")]
    body = json.loads(problem(HTTPStatus.BAD_REQUEST, "x", "y", errors).get_body())
    assert body["errors"] == [
        {"field": "a.b", "message": "no"},
        {"field": "c", "message": "neither"},
    ]
    assert "errors" not in json.loads(problem(HTTPStatus.NOT_FOUND, "x", "y").get_body())
