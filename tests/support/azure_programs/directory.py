"""A small directory that stands for Microsoft Graph, with what it refuses.

It knows applications, service principals and assignments of roles. Like the real one it hands out
ids, merges a patch property by property, takes a property as a whole, refuses a consent for a scope
that is not there, and refuses an assignment that is there.
"""

import json
import uuid
from itertools import pairwise
from pathlib import Path
from typing import Any

ME = "00000000-0000-0000-0000-0000000000aa"
APPLICATION = {"identifierUris": [], "appRoles": [], "api": {}, "web": {}}
Turn = dict[str, Any]


class Directory:
    """Answers `az rest` for URLs of Graph, over a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        empty: dict[str, list[Any]] = {"applications": [], "servicePrincipals": [], "assigned": []}
        self._state = json.loads(path.read_text()) if path.exists() else empty

    def answer(self, arguments: list[str], body: Any) -> Turn:
        given = dict(pairwise(arguments))
        path = given["--url"].partition("/v1.0/")[2]
        query = given.get("--url-parameters", "")
        turn = self._route(given["--method"], path.split("/"), query, body)
        self._path.write_text(json.dumps(self._state))
        return turn

    def _route(self, method: str, parts: list[str], query: str, body: Any) -> Turn:
        match [method, *parts]:
            case ["get", "me"]:
                turn = _ok({"id": ME})
            case ["get", "applications" | "servicePrincipals" as kind]:
                turn = self._filter(kind, query)
            case ["post", "applications" | "servicePrincipals" as kind]:
                turn = self._make(kind, body)
            case ["get", "applications", found]:
                turn = _ok(self._one(found))
            case ["patch", "applications", found]:
                turn = self._patch(self._one(found), body)
            case ["get", "servicePrincipals", _, "appRoleAssignedTo"]:
                turn = _ok({"value": self._state["assigned"]})
            case ["post", "servicePrincipals", _, "appRoleAssignedTo"]:
                turn = self._assign(body)
            case _:
                turn = _refusal("Request_BadRequest", f"{method} {parts}")
        return turn

    def _one(self, found: str) -> dict[str, Any]:
        one: dict[str, Any] = next(
            each for each in self._state["applications"] if each["id"] == found
        )
        return one

    def _filter(self, kind: str, query: str) -> Turn:
        field, _, value = query.removeprefix("$filter=").partition(" eq ")
        value = value.strip("'").replace("''", "'")
        return _ok({"value": [each for each in self._state[kind] if each[field] == value]})

    def _make(self, kind: str, body: Any) -> Turn:
        made = {"appId": str(uuid.uuid4()), **APPLICATION, **body, "id": str(uuid.uuid4())}
        self._state[kind].append(made)
        return _ok(made)

    def _patch(self, application: dict[str, Any], body: dict[str, Any]) -> Turn:
        known = {each["id"] for each in application["api"].get("oauth2PermissionScopes", [])}
        for client in body.get("api", {}).get("preAuthorizedApplications", []):
            if not known.issuperset(client["delegatedPermissionIds"]):
                return _refusal("InvalidValue", "the scope of a consent is not there")
        application.update(body)
        return {"code": 0}

    def _assign(self, body: dict[str, Any]) -> Turn:
        if body in self._state["assigned"]:
            return _refusal("Request_BadRequest", "Permission being assigned already exists")
        self._state["assigned"].append(body)
        return _ok(body)


def _ok(answer: Any) -> Turn:
    return {"out": json.dumps(answer), "code": 0}


def _refusal(code: str, message: str) -> Turn:
    return {
        "error": f"Bad Request({json.dumps({'error': {'code': code, 'message': message}})})",
        "code": 1,
    }
