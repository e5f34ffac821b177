"""Documents checked against their models: each fault by field, named as the caller wrote it."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fanout.errors import FieldProblem, InvalidRequestError

Model = TypeVar("Model", bound=BaseModel)
ROOT = "body"
# The forms that a field may have, in the paths of pydantic and in no request.
_TAG = re.compile(r"\([a-z]+\)")
_MANY_DIGITS = re.compile(r"[0-9]{40,300}")


def validate(model: type[Model], document: Mapping[str, Any], prefix: str = "") -> Model:
    """Make a model from a document.

    Args:
        model: Which model.
        document: Its fields.
        prefix: Where the document stands in what the caller wrote.

    Raises:
        InvalidRequestError: The document does not fit; the faults are named, the first of many.
    """
    try:
        return model.model_validate(document)
    except ValidationError as invalid:
        raise InvalidRequestError(field_problems(invalid, prefix)) from invalid


def field_problems(invalid: ValidationError, prefix: str = "") -> list[FieldProblem]:
    """Name every field that is wrong, by the path the caller wrote."""
    faults = invalid.errors(include_url=False, include_context=False, include_input=False)
    return [FieldProblem(_path(fault, prefix), _message(fault)) for fault in faults]


def _path(fault: Any, prefix: str) -> str:
    location = list(fault["loc"])
    # pydantic puts the tag of a union ("csv") into the path; callers did not write it.
    if not prefix and location[0:1] == ["source"] and len(location) > 1:
        del location[1]
        if location[1:2] == ["read"] and len(location) > 2:
            del location[2]
    location = [part for part in location if not _TAG.fullmatch(str(part))]
    path = prefix
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else str(part)
    if fault["type"].startswith("union_tag"):
        path += ".kind"
    return path or ROOT


def _message(fault: Any) -> str:
    if fault["type"] == "union_tag_invalid":
        return f"{fault['msg']}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    # pydantic writes out 1e300.
    return _MANY_DIGITS.sub(lambda digits: f"{float(digits[0]):g}", message)
