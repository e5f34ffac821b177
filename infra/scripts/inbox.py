"""Event Grid's subscription of the app to blobs that are dropped into the inbox, and its end.

The template makes the topic and not the subscription: its address has a key that the host makes
when the app first runs, and Event Grid calls that address before it takes it.
"""

import time
from typing import Any

from infra.scripts.app_keys import blobs_key
from infra.scripts.environment import Environment
from infra.scripts.programs import ProgramError, call

API = "2022-06-15"
NAME = "fanout-inbox"
CONTAINER = "inbox"
# As the app registers it.
FUNCTION = "start_run_over_blob"
MAX_SECONDS = 300.0
PAUSE_SECONDS = 5.0
# The app has just been replaced: it may not answer Event Grid's first call in time.
TRIES = 5


def subscribe(environment: Environment) -> str:
    """Make the subscription, or bring the one that is there up to date; return the topic's name.

    Raises:
        ProgramError: Azure cannot be asked, or refuses.
    """
    topic = environment.text("FANOUT_INBOX_TOPIC")
    if not topic:
        raise ProgramError("FANOUT_INBOX is on, and there is no topic: run `azd provision` first")
    path = _path(f"{_topics(environment)}/{topic}/eventSubscriptions/{NAME}")
    body = {"properties": _properties(environment.text("FANOUT_URL"), blobs_key(environment))}
    for left in reversed(range(TRIES)):
        try:
            call("put", path, body)
            _wait(path)
        except ProgramError:
            if not left:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            break
    return topic


def unsubscribe(environment: Environment) -> list[str]:
    """Take the subscription away where there is one; return the names of its topics.

    The template leaves a topic that it made before, and does not tell its name any more.

    Raises:
        ProgramError: Azure cannot be asked, or refuses.
    """
    account = f"/storageaccounts/{environment.text('FANOUT_DATA_STORAGE')}".lower()
    left = []
    for topic in _list(_topics(environment)):
        source = str(topic.get("properties", {}).get("source", "")).lower()
        subscriptions = f"{_topics(environment)}/{topic['name']}/eventSubscriptions"
        if source.endswith(account) and NAME in {each["name"] for each in _list(subscriptions)}:
            call("delete", _path(f"{subscriptions}/{NAME}"))
            left.append(str(topic["name"]))
    return left


def _topics(environment: Environment) -> str:
    return f"{environment.group}/providers/Microsoft.EventGrid/systemTopics"


def _path(resource: str) -> str:
    return f"{resource}?api-version={API}"


def _list(resource: str) -> list[dict[str, Any]]:
    return list((call("get", _path(resource)) or {}).get("value", []))


def _properties(url: str, key: str) -> dict[str, Any]:
    webhook = f"{url}/runtime/webhooks/blobs?functionName=Host.Functions.{FUNCTION}&code={key}"
    return {
        "destination": {"endpointType": "WebHook", "properties": {"endpointUrl": webhook}},
        "filter": {
            "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
            "subjectBeginsWith": f"/blobServices/default/containers/{CONTAINER}/",
        },
    }


def _wait(path: str) -> None:
    end = time.monotonic() + MAX_SECONDS
    while True:
        state = (call("get", path) or {}).get("properties", {}).get("provisioningState")
        if state == "Succeeded":
            return
        if state == "Failed" or time.monotonic() > end:
            raise ProgramError(f"the subscription {NAME} stays {state}")
        time.sleep(PAUSE_SECONDS)
