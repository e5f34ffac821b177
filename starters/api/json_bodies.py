"""Bodies of answers: JSON that any parser reads, whatever is in the files of a run."""

from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from fanout.printable import make_printable


def write_json(body: Any) -> bytes:
    """Write a model, or what else can be JSON.

    Numbers that JSON has not (NaN, infinity: a file of an older version may hold them) are null, as
    they are in rows of Parquet; surrogates alone are escapes.
    """
    try:
        return to_json(body, inf_nan_mode="null")
    except PydanticSerializationError:
        return to_json(_make_printable(body), inf_nan_mode="null")


def _make_printable(value: Any) -> Any:
    if isinstance(value, str):
        return make_printable(value)
    if isinstance(value, dict):
        return {make_printable(str(k)): _make_printable(child) for k, child in value.items()}
    if isinstance(value, BaseModel):
        return _make_printable(value.model_dump())
    if isinstance(value, list | tuple):
        return [_make_printable(child) for child in value]
    return value
