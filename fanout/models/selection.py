"""`select` of a `RunRequest`: fields that are merged into each item."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from fanout.models.numbers import MAX_NAMES, Name


class _Selector(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PathSelector(_Selector):
    """A field of the item: names and positions in arrays, with dots between (``a.b.0``)."""

    path: str = Field(min_length=1, max_length=1000)


class ConstantSelector(_Selector):
    """The same value for each item."""

    const: Any


class IndexSelector(_Selector):
    """The index of the item in the source."""

    index: Literal[True]


class SourceSelector(_Selector):
    """The blob that the item comes from, ``container/name``; null for an item of the request."""

    source: Literal[True]


_KINDS = {
    "path": PathSelector,
    "const": ConstantSelector,
    "index": IndexSelector,
    "source": SourceSelector,
}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((kind for kind in _KINDS if kind in value), None)
    return next((kind for kind, model in _KINDS.items() if isinstance(value, model)), None)


Selector = Annotated[
    Annotated[PathSelector, Tag("path")]
    | Annotated[ConstantSelector, Tag("const")]
    | Annotated[IndexSelector, Tag("index")]
    | Annotated[SourceSelector, Tag("source")],
    Discriminator(
        _kind,
        custom_error_type="selector",
        custom_error_message="a selector has one of 'path', 'const', 'index' and 'source'",
    ),
]
Selection = Annotated[dict[Name, Selector], Field(max_length=MAX_NAMES)]
