"""Who calls, and in which role: read from the headers that App Service adds to a call.

With sign-in on, App Service lets nobody through without a token. It removes headers of these names
that a caller sent, and adds its own.

Source: https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pydantic_core import from_json

PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
# The claim of a token that has the app roles, unless the sign-in names another.
ROLES_CLAIM = "roles"


class Role(IntEnum):
    """What somebody may do; a higher role includes the lower ones.

    The values of the app roles in Entra ID are ``Fanout.Reader`` and so on.
    """

    READER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def claim(self) -> str:
        """Its value among the roles of a token."""
        return f"Fanout.{self.name.title()}"


@dataclass(frozen=True)
class Caller:
    """Somebody who signed in.

    Attributes:
        id: The object id of the person or app; it tells callers apart.
        role: The highest of their roles; None if they have none of ours.
    """

    id: str
    role: Role | None

    def has_role(self, role: Role) -> bool:
        """Tell whether they have a role, or a higher one."""
        return self.role is not None and self.role >= role


class NotSignedInError(Exception):
    """The call has no sign-in, or one that cannot be read."""


def caller_of(headers: Mapping[str, str]) -> Caller:
    """Read who signed in.

    Raises:
        NotSignedInError: Nobody did, or the header cannot be read.
    """
    text = headers.get(PRINCIPAL)
    if not text:
        raise NotSignedInError("The call has no sign-in.")
    try:
        principal = from_json(base64.b64decode(text, validate=True))
        claims = [(str(claim["typ"]), str(claim["val"])) for claim in principal["claims"]]
        named = {ROLES_CLAIM, str(principal.get("role_typ") or ROLES_CLAIM)}
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotSignedInError("The sign-in of the call cannot be read.") from error
    held = {value for kind, value in claims if kind in named}
    roles = [role for role in Role if role.claim in held]
    return Caller(_caller_id(dict(claims), headers), max(roles, default=None))


def _caller_id(claims: Mapping[str, str], headers: Mapping[str, Any]) -> str:
    long_name = "http://schemas.microsoft.com/identity/claims/objectidentifier"
    caller_id = claims.get("oid") or claims.get(long_name) or headers.get(f"{PRINCIPAL}-ID")
    return str(caller_id or "unnamed")
