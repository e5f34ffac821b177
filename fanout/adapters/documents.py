"""Documents of runs: models as JSON, each with the version of its form.

A version that the app does not know is refused by name, and so is whatever cannot be read: what
would be misread is worth less than nothing. Earlier versions of the app wrote no version.
"""

import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from fanout.errors import UnknownVersionError, UnreadableDocumentError

Model = TypeVar("Model", bound=BaseModel)

VERSION = 1
FIELD = "version"
_BEGINNING = f'{{"{FIELD}":{VERSION}'.encode()
# What earlier versions of the app wrote does not hold the word, but for what callers have written.
_MENTION = re.compile(rb'"version"\s*:')
MAX_PROBLEMS = 3


def write_document(model: BaseModel) -> bytes:
    """Write a model with the version of its form."""
    return with_version(model.model_dump_json().encode())


def with_version(text: bytes) -> bytes:
    """Add the version to an object of JSON."""
    return _BEGINNING + (b"}" if text == b"{}" else b"," + text[1:])


def has_version(data: bytes) -> bool:
    """Tell whether this version of the app has written a document."""
    return data.startswith(_BEGINNING)


def insist_on_version(data: bytes, name: str) -> None:
    """Refuse a document of another version; what cannot be parsed says of none.

    Raises:
        UnknownVersionError: It is of another.
    """
    _without_version(data, name)


def read_document(kind: type[Model], data: bytes, name: str) -> Model:
    """Read a model.

    Args:
        kind: Which model.
        data: What was written.
        name: Where it stands, for the message of an error.

    Raises:
        UnreadableDocumentError: It is of another version, no JSON, or does not fit the model.
    """
    try:
        return kind.model_validate_json(_without_version(data, name))
    except ValidationError as invalid:
        raise UnreadableDocumentError(name, describe_faults(invalid)) from invalid


def describe_faults(invalid: ValidationError) -> str:
    """Say what is wrong with a document, by its fields, without what is in them."""
    faults = invalid.errors(include_url=False, include_context=False, include_input=False)
    texts = [f"{'.'.join(map(str, f['loc'])) or 'it'}: {f['msg']}" for f in faults[:MAX_PROBLEMS]]
    more = len(faults) - len(texts)
    return "; ".join(texts) + (f"; and {more} more faults" if more else "")


def check_version(version: object, name: str) -> None:
    """Refuse another version than this app's.

    Raises:
        UnknownVersionError: It is another.
    """
    if version != VERSION or type(version) is not int:
        reason = f"it is of version {str(version)[:20]}; this app reads version {VERSION}"
        raise UnknownVersionError(name, reason)


def _without_version(data: bytes, name: str) -> bytes:
    following = data[len(_BEGINNING) : len(_BEGINNING) + 1]
    if data.startswith(_BEGINNING) and following in (b",", b"}"):
        rest = data[len(_BEGINNING) + 1 :]
        return b"{" + rest if following == b"," else b"{}"
    if not _MENTION.search(data):
        return data
    try:
        document = from_json(data)
    except ValueError:
        return data  # the model says why
    if not isinstance(document, dict) or FIELD not in document:
        return data
    check_version(document.pop(FIELD), name)
    return to_json(document)
