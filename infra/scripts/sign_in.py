"""Register the app in Entra ID, so that callers sign in and need no function key.

It may be repeated: what is there stays, and what lacks is added. It asks Microsoft Graph as whoever
is signed in to `az`, who may register applications (and for --assign is owner of the registration
or a Cloud Application Administrator). No secret is made.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from infra.scripts import registration
from infra.scripts.programs import GRAPH, ProgramError, bear_any_text, call, run, store

VARIABLE = "FANOUT_AUTH_CLIENT_ID"
ME = "me"
# What was just made is not known everywhere at once.
TRIES = 12
PAUSE_SECONDS = 5.0
FIELDS = "id,appId,displayName,identifierUris,appRoles,api,web"


def register(name: str, client_id: str, url: str) -> dict[str, Any]:
    """Make or complete a registration and its service principal, and return the registration.

    Args:
        name: Of the registration, for one that is to be made or has no known id.
        client_id: Of the registration, if it is known.
        url: Of the app, or nothing.

    Raises:
        ProgramError: Graph cannot be asked, refuses, or knows several of the name.
    """
    found = _find(name, client_id)
    if found is None:
        found = call("post", f"{GRAPH}/applications", registration.new_application(name))
    path = f"{GRAPH}/applications/{found['id']}"
    _insist(lambda: call("patch", path, registration.changes(found, url)))
    _insist(lambda: call("patch", path, registration.consent(_read(path))))
    principal_of(found["appId"])
    return _read(path)


def principal_of(client_id: str) -> dict[str, Any]:
    """The service principal of a registration; it is made if there is none.

    Raises:
        ProgramError: Graph cannot be asked, or refuses.
    """
    found = _search("servicePrincipals", "appId", client_id)
    if found:
        return found[0]
    body = {"appId": client_id}
    return dict(_insist(lambda: call("post", f"{GRAPH}/servicePrincipals", body)))


def assign(application: dict[str, Any], role: str, member: str) -> bool:
    """Give a role to a person, group or service principal; tell whether it was new.

    Args:
        application: As it is registered.
        role: Its value, such as Fanout.Admin.
        member: An object id, or `me`.

    Raises:
        ProgramError: Graph cannot be asked, or refuses.
    """
    principal = principal_of(application["appId"])
    path = f"{GRAPH}/servicePrincipals/{principal['id']}/appRoleAssignedTo"
    who = str(call("get", f"{GRAPH}/me")["id"]) if member == ME else member
    wanted = {
        "principalId": who,
        "resourceId": principal["id"],
        "appRoleId": registration.role_id(application, role),
    }
    held = [each for each in _list(path) if wanted.items() <= each.items()]
    if not held:
        _insist(lambda: call("post", path, wanted))
    return not held


def _find(name: str, client_id: str) -> dict[str, Any] | None:
    """The registration that there is, if there is one."""
    if client_id:
        found = _search("applications", "appId", client_id)
        if not found:
            raise ProgramError(
                f"there is no registration {client_id} in this tenant; if it was deleted, "
                f'`azd env set {VARIABLE} ""` forgets it'
            )
        return found[0]
    found = _search("applications", "displayName", name)
    if len(found) > 1:
        ids = ", ".join(each["appId"] for each in found)
        raise ProgramError(
            f"several registrations are called {name!r}: {ids}. Name one: --client-id"
        )
    return found[0] if found else None


def _search(kind: str, field: str, value: str) -> list[dict[str, Any]]:
    """Those of which a field has a value. By a filter: no shell takes offence at its brackets."""
    quoted = value.replace("'", "''")
    answer = call("get", f"{GRAPH}/{kind}", query=f"$filter={field} eq '{quoted}'")
    return list((answer or {}).get("value", []))


def _read(path: str) -> dict[str, Any]:
    return dict(_insist(lambda: call("get", path, query=f"$select={FIELDS}")))


def _list(path: str) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while path:
        page = call("get", path) or {}
        found += page.get("value", [])
        path = page.get("@odata.nextLink", "")
    return found


def _insist(ask: Callable[[], Any]) -> Any:
    """Ask until what was made a moment ago is known."""
    for _ in range(TRIES - 1):
        try:
            return ask()
        except ProgramError as error:
            if not error.is_missing:
                raise
        time.sleep(PAUSE_SECONDS)
    return ask()


def _values() -> dict[str, str]:
    """What azd knows of the environment that is chosen; nothing where it cannot be asked."""
    try:
        found = json.loads(run("azd", "env", "get-values", "--output", "json"))
    except (ProgramError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.scripts.sign_in", description=__doc__)
    parser.add_argument("--name", help="of the registration; fanout-ENVIRONMENT if left out")
    parser.add_argument("--client-id", help="a registration that is there; azd's if left out")
    parser.add_argument("--url", help="of the app; azd's if left out")
    parser.add_argument(
        "--assign",
        action="append",
        metavar="ROLE=ID",
        type=_assignment,
        default=[],
        help="gives a role to an object id, or to you (Fanout.Admin=me); may be repeated",
    )
    return parser.parse_args(arguments)


def _assignment(text: str) -> tuple[str, str]:
    role, _, member = text.partition("=")
    if role not in registration.ROLES or not member:
        known = ", ".join(registration.ROLES)
        raise argparse.ArgumentTypeError(f"ROLE=ID, where the role is one of {known}")
    return role, member


def _carry_out(options: argparse.Namespace, values: dict[str, str]) -> None:
    environment = values.get("AZURE_ENV_NAME", "")
    name = options.name or (f"fanout-{environment}" if environment else "fanout")
    url = (options.url or values.get("FANOUT_URL", "")).rstrip("/")
    known = options.client_id or values.get(VARIABLE, "")
    application = register(name, known, url)
    client_id = application["appId"]
    _say(f"Registered {application['displayName']}, client id {client_id}.")
    for role, member in options.assign:
        is_new = assign(application, role, member)
        _say(f"{member} {'has' if is_new else 'had'} the role {role}.")
    if environment and values.get(VARIABLE) != client_id:
        store(environment, VARIABLE, client_id)
        _say(f"{VARIABLE} is set in {environment}; `azd provision` turns the sign-in on.")
    if not url:
        _say("Nobody knows the app's address yet: repeat this after `azd up`, for browsers.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Register the app and return the exit code."""
    options = _options(arguments)
    bear_any_text()
    try:
        _carry_out(options, _values())
    except ProgramError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
