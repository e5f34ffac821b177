"""What opens the app: its keys from Azure, or a token of whoever is signed in to `az`."""

import time
from typing import Any

from infra.scripts.environment import Environment
from infra.scripts.programs import ProgramError, az, call

API = "2024-04-01"
# The host makes it when it first starts with a blob trigger.
BLOBS_KEY = "blobs_extension"
MAX_SECONDS = 300.0
PAUSE_SECONDS = 10.0


def credentials(environment: Environment) -> dict[str, str]:
    """The header that opens the HTTP API.

    Raises:
        ProgramError: Azure cannot be asked, or gives none.
    """
    client_id = environment.text("FANOUT_AUTH_CLIENT_ID")
    if client_id:
        token = az("account", "get-access-token", "--resource", f"api://{client_id}")
        return {"Authorization": f"Bearer {_wanted(token, 'accessToken')}"}
    keys = _keys(environment).get("functionKeys")
    return {"x-functions-key": _wanted(keys, "default")}


def blobs_key(environment: Environment) -> str:
    """The key that Event Grid calls the app with, once the host has made it.

    Raises:
        ProgramError: Azure cannot be asked, or there is none for minutes.
    """
    end = time.monotonic() + MAX_SECONDS
    while True:
        found = (_keys(environment).get("systemKeys") or {}).get(BLOBS_KEY)
        if found:
            return str(found)
        if time.monotonic() > end:
            raise ProgramError(f"the app has no key {BLOBS_KEY} after {MAX_SECONDS:.0f} s")
        time.sleep(PAUSE_SECONDS)


def _wanted(answer: dict[str, Any] | None, name: str) -> str:
    found = (answer or {}).get(name)
    if not found:
        raise ProgramError(f"Azure answered without {name}")
    return str(found)


def _keys(environment: Environment) -> dict[str, Any]:
    name = environment.text("AZURE_FUNCTION_NAME")
    path = f"{environment.group}/providers/Microsoft.Web/sites/{name}/host/default/listKeys"
    return dict(call("post", f"{path}?api-version={API}") or {})
