"""Moments in rows and messages: texts that can be told from what is none when they are read."""

from typing import Annotated

from pydantic import AfterValidator

from fanout.naming.moments import parse_moment


def _insist_on_moment(text: str) -> str:
    """Refuse what would fail only where somebody counts with it.

    Raises:
        ValueError: It is no moment, or of no time zone.
    """
    if parse_moment(text).tzinfo is None:
        raise ValueError("the moment has no time zone")
    return text


Moment = Annotated[str, AfterValidator(_insist_on_moment)]
