"""Ids of instances and executions."""

import re
import uuid

from localhost.durable.contract import InvalidInstanceIdError

_LONGEST = 256
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


def new_id() -> str:
    """A GUID without dashes, as DurableTask makes them."""
    return uuid.uuid4().hex


def checked_id(instance_id: str) -> str:
    """Pass on an id that a caller chose.

    Raises:
        InvalidInstanceIdError: It may not be used.
    """
    if len(instance_id) > _LONGEST:
        raise InvalidInstanceIdError(f"Instance IDs must not be longer than {_LONGEST} characters.")
    if instance_id.startswith("@"):
        raise InvalidInstanceIdError("Instance IDs must not begin with '@'.")
    if _FORBIDDEN.search(instance_id):
        raise InvalidInstanceIdError(
            "Instance IDs must not contain '/', '\\', '#', '?' or control characters."
        )
    return instance_id
