"""From bytes to a model: a body is read and checked before anything is done with it."""

from typing import Any

from fanout.errors import FanoutError, FieldProblem, InvalidRequestError
from starters.lifecycle.json_text import read_json
from starters.lifecycle.validation import ROOT, Model, validate

# Parsers and validators recurse; nobody's request does.
MAX_DEPTH = 64


class RequestTooLargeError(FanoutError):
    """The body is longer than the app accepts."""


def parse_body(model: type[Model], body: bytes, max_bytes: int) -> Model:
    """Read a body as a model.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no JSON object, or does not fit the model; every fault is named.
    """
    return validate(model, parse_document(body, max_bytes))


def parse_document(body: bytes, max_bytes: int) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RequestTooLargeError: It is longer than `max_bytes`.
        InvalidRequestError: It is no JSON object, is nested too deep, or holds what is no JSON for
            every reader; fields are named.
    """
    if len(body) > max_bytes:
        raise RequestTooLargeError(
            f"The body has {len(body)} bytes; this app accepts {max_bytes}. Put the items into a "
            "blob, or raise FANOUT_MAX_REQUEST_BYTES."
        )
    document = read_json(body)
    if not isinstance(document, dict):
        raise InvalidRequestError([FieldProblem(ROOT, "it is no JSON object")])
    if _is_deeper(document, MAX_DEPTH):
        message = f"its objects and lists are nested more than {MAX_DEPTH} deep"
        raise InvalidRequestError([FieldProblem(ROOT, message)])
    return document


def _is_deeper(document: Any, max_depth: int) -> bool:
    """Tell whether objects and lists are nested deeper than that; the document itself is 1."""
    level = [document]
    for _ in range(max_depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True
