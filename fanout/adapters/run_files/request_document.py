"""The document of a request: its settings first, and last what stands in it of its source.

Where the settings end is said at the beginning, so whoever needs them reads no more than them:
items may be megabytes. The document is a RunRequest all the same, with its members in this order.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from fanout.adapters.documents import read_document, with_version, write_document
from fanout.models.request import RunRequest

# Settings are shorter, but for odd ones; so one request of storage gives them.
HEAD_BYTES = 65_536
_END = "settings_end"
_BEGINNING = re.compile(rb'\{"version":1,"settings_end":"(\d{10})",')
# The members of sources that may be large, and what stands for each where it is left out.
_EMPTY = {"items": b"[]", "text": b'""', "base64": b'""'}
_MEMBER = re.compile(rb',"(items|text|base64)":')
_MEMBER_BYTES = 16


@dataclass(frozen=True)
class Settings:
    """A request as far as it was read.

    Attributes:
        request: The request.
        is_whole: Whether its source is as it was written; otherwise what stands in it is left out.
        data: What it was read of: the whole document, or its beginning up to the end of settings.
    """

    request: RunRequest
    is_whole: bool
    data: bytes


def write_request(request: RunRequest) -> bytes:
    """Write a request."""
    source = request.source
    large = next((name for name in _EMPTY if getattr(source, name, None) is not None), None)
    if large is None:
        return write_document(request)
    settings = request.model_dump_json(exclude={"source"}).encode()
    rest = source.model_dump_json(exclude=set(_EMPTY)).encode()
    begin = settings[:-1] + b',"source":' + rest[:-1]
    told = f'{{"{_END}":"{0:010d}",'.encode()
    end = len(with_version(told + begin[1:]))
    told = f'{{"{_END}":"{end:010d}",'.encode()
    member = f',"{large}":'.encode() + to_json(getattr(source, large))
    return with_version(told + begin[1:] + member + b"}}")


def settings_end(data: bytes) -> int | None:
    """Where the settings of a document end; None where they are not kept apart."""
    match = _BEGINNING.match(data)
    return int(match[1]) if match is not None else None


def read_request(data: bytes, name: str) -> RunRequest:
    """Read a whole request.

    Raises:
        UnreadableDocumentError: It is damaged, or of a version that is not known.
    """
    match = _BEGINNING.match(data)
    if match is not None:
        data = b"{" + data[match.end() :]
    elif f'"{_END}"'.encode() in data:
        data = _without_end(data)
    return read_document(RunRequest, data, name)


def _without_end(data: bytes) -> bytes:
    """The document without where its settings end: somebody has written it anew."""
    try:
        document = from_json(data)
    except ValueError:
        return data  # the model says why
    if isinstance(document, dict):
        document.pop(_END, None)
    return to_json(document)


def read_settings(read: Callable[[int | None], bytes], name: str) -> Settings:
    """Read a request without what stands in it of its source, where that may be much.

    Args:
        read: Gives so many bytes from the beginning of the document; None gives them all.
        name: The path of the document.

    Raises:
        UnreadableDocumentError: It is damaged, or of a version that is not known.
    """
    head = read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return Settings(read_request(head, name), is_whole=True, data=head)
    match = _BEGINNING.match(head)
    end = int(match[1]) if match is not None else 0
    if end + _MEMBER_BYTES > HEAD_BYTES:
        head = read(end + _MEMBER_BYTES)
    member = _MEMBER.match(head, end)
    if match is None or member is None:  # an earlier version wrote it, or it is damaged
        data = read(None)
        return Settings(read_request(data, name), is_whole=True, data=data)
    begin, empty = head[match.end() : end], _EMPTY[member[1].decode()]
    data = b"{" + begin + member[0] + empty + b"}}"
    request = read_document(RunRequest, data, name)
    return Settings(request, is_whole=False, data=head[:end])
