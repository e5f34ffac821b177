"""What an app registration of Fanout says: roles, scope, tokens, where a browser comes back to.

Each function takes what is registered and returns what is to be, so that whoever applies it twice
changes nothing the second time, and what others added stays.
"""

import uuid
from typing import Any

SCOPE = "access_as_user"
# Of the value of a role follows what its holder may do; a higher role includes the lower ones.
ROLES = {
    "Fanout.Reader": "Look at runs, items and results.",
    "Fanout.Operator": "Start and steer runs.",
    "Fanout.Admin": "Delete runs, rebuild the list of runs, look at the installation.",
}
# The Azure CLI, with which callers get tokens: without this each would be asked for consent, and
# the answer of most tenants to that is no.
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
CALLBACK = "/.auth/login/aad/callback"
# App Service checks tokens against the issuer of version 2, and registrations default to 1.
TOKEN_VERSION = 2


def new_application(name: str) -> dict[str, Any]:
    """An application that only this tenant may sign in to."""
    return {"displayName": name, "signInAudience": "AzureADMyOrg"}


def changes(application: dict[str, Any], url: str) -> dict[str, Any]:
    """What is to be said of an application, but for who needs no consent.

    Args:
        application: As it is.
        url: Of the app, for the browser; empty as long as nobody knows.
    """
    client_id = application["appId"]
    identifiers = [*application.get("identifierUris", [])]
    web = application.get("web") or {}
    redirects = [*web.get("redirectUris", [])]
    return {
        "identifierUris": _with(identifiers, f"api://{client_id}"),
        "appRoles": _roles(application.get("appRoles") or []),
        "api": _api(application),
        "web": {
            "redirectUris": _with(redirects, f"{url}{CALLBACK}") if url else redirects,
            # The sign-in of App Service without a secret is by an id token.
            "implicitGrantSettings": {
                **(web.get("implicitGrantSettings") or {}),
                "enableIdTokenIssuance": True,
            },
        },
    }


def consent(application: dict[str, Any]) -> dict[str, Any]:
    """Who needs no consent for the scope; it can be said only once the scope is there."""
    api = _api(application)
    scope = next(each["id"] for each in api["oauth2PermissionScopes"] if each["value"] == SCOPE)
    known = (application.get("api") or {}).get("preAuthorizedApplications") or []
    others = [each for each in known if each["appId"] != AZURE_CLI]
    ours = [each for each in known if each["appId"] == AZURE_CLI]
    scopes = [each for one in ours for each in one["delegatedPermissionIds"]]
    mine = {"appId": AZURE_CLI, "delegatedPermissionIds": _with(scopes, scope)}
    return {"api": {**api, "preAuthorizedApplications": [*others, mine]}}


def role_id(application: dict[str, Any], value: str) -> str:
    """The id of a role that an application has."""
    return str(next(each["id"] for each in application["appRoles"] if each["value"] == value))


def _api(application: dict[str, Any]) -> dict[str, Any]:
    known = application.get("api") or {}
    scopes = [*(known.get("oauth2PermissionScopes") or [])]
    if SCOPE not in {each["value"] for each in scopes}:
        scopes.append(_scope())
    return {
        **known,
        "requestedAccessTokenVersion": TOKEN_VERSION,
        "oauth2PermissionScopes": scopes,
    }


def _scope() -> dict[str, Any]:
    text = "Call Fanout as yourself, with the roles that you have."
    return {
        "id": _id(SCOPE),
        "value": SCOPE,
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Call Fanout",
        "adminConsentDescription": text,
        "userConsentDisplayName": "Call Fanout",
        "userConsentDescription": text,
    }


def _roles(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    held = {each["value"] for each in known}
    return [*known, *(_role(value) for value in ROLES if value not in held)]


def _role(value: str) -> dict[str, Any]:
    return {
        "id": _id(value),
        "value": value,
        "displayName": value,
        "description": ROLES[value],
        "allowedMemberTypes": ["User", "Application"],
        "isEnabled": True,
    }


def _id(value: str) -> str:
    """The same id each time, so that one deleted and made anew is the same role."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"fanout:{value}"))


def _with(values: list[str], value: str) -> list[str]:
    return values if value in values else [*values, value]
