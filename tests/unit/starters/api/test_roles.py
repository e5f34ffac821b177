import base64
import json

import pytest

from starters.api.roles import Caller, NotSignedInError, Role, caller_of
from tests.support.hosts.principals import principal


def header(content: bytes) -> dict[str, str]:
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("roles", "highest"),
    [
        (["Fanout.Reader"], Role.READER),
        (["Fanout.Reader", "Fanout.Admin"], Role.ADMIN),
        (["Fanout.Operator", "Other.Admin"], Role.OPERATOR),
        (["fanout.admin", "Admin", "Fanout.Admin "], None),
        ([], None),
    ],
)
def test_the_highest_of_our_roles_counts(roles: list[str], highest: Role | None):
    assert caller_of(principal(*roles)) == Caller("someone", highest)


def test_roles_may_come_under_the_name_that_the_sign_in_gives_them():
    named = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    claims = [{"typ": named, "val": "Fanout.Operator"}]
    body = {"auth_typ": "aad", "claims": claims, "role_typ": named}
    caller = caller_of(header(json.dumps(body).encode()) | {"X-MS-CLIENT-PRINCIPAL-ID": "an app"})
    assert caller == Caller("an app", Role.OPERATOR)


def test_a_claim_of_another_kind_gives_no_role():
    claims = [{"typ": "name", "val": "Fanout.Admin"}]
    caller = caller_of(header(json.dumps({"claims": claims}).encode()))
    assert caller.role is None
    assert not caller.has_role(Role.READER)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-MS-CLIENT-PRINCIPAL": ""},
        {"X-MS-CLIENT-PRINCIPAL": "no base64!"},
        header(b"no json"),
        header(b"[]"),
        header(b"null"),
        header(b'{"claims": null}'),
        header(b'{"claims": [{"typ": "roles"}]}'),
        header(b'{"claims": ["Fanout.Admin"]}'),
        header(b"\xff"),
    ],
)
def test_what_cannot_be_read_is_no_sign_in(headers: dict[str, str]):
    with pytest.raises(NotSignedInError):
        caller_of(headers)


def test_a_higher_role_includes_the_lower_ones():
    admin, reader = Caller("a", Role.ADMIN), Caller("r", Role.READER)
    assert all(admin.has_role(role) for role in Role)
    assert [reader.has_role(role) for role in Role] == [True, False, False]
