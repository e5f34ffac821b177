"""The value of a durable client binding: every URL that the SDK's client needs, as JSON text.

Source: BindingHelper of the Durable extension (`docs/host-protocol.md`, 7.1).
"""

import json
from urllib.parse import quote

WEBHOOKS = "/runtime/webhooks/durabletask"
PLACEHOLDER_ID = "INSTANCEID"
DEFAULT_CONNECTION = "Storage"
# What stays as it is in a URL's path.
_PLAIN = "@:!$&'()*+,;="


def binding_text(
    *,
    task_hub: str,
    connection_name: str | None,
    public_origin: str,
    rpc_base_url: str,
    system_key: str | None = None,
) -> str:
    """Make the binding's JSON text; `system_key` guards the webhooks where keys are asked for."""
    base = public_origin + WEBHOOKS
    connection = connection_name or DEFAULT_CONNECTION
    code = f"code={quote(system_key or '', safe='')}"
    scope = f"taskHub={quote(task_hub)}&connection={quote(connection)}&{code}"
    start = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
    wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    return json.dumps(
        {
            "taskHubName": task_hub,
            "connectionName": connection_name,
            "creationUrls": {
                "createNewInstancePostUri": f"{start}?{code}",
                "createAndWaitOnNewInstancePostUri": f"{start}?{wait}&{code}",
            },
            "managementUrls": management_urls(base, PLACEHOLDER_ID, scope),
            "baseUrl": base,
            "requiredQueryStringParameters": code,
            "rpcBaseUrl": rpc_base_url,
            "httpBaseUrl": None,
        }
    )


def management_urls(base: str, instance_id: str, scope: str) -> dict[str, str]:
    """The URLs by which one instance is looked after."""
    instance_url = f"{base}/instances/{quote(instance_id, safe=_PLAIN)}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{instance_url}?{scope}",
        "sendEventPostUri": f"{instance_url}/raiseEvent/{{eventName}}?{scope}",
        "terminatePostUri": f"{instance_url}/terminate?reason={{text}}&{scope}",
        "rewindPostUri": f"{instance_url}/rewind?reason={{text}}&{scope}",
        "purgeHistoryDeleteUri": f"{instance_url}?{scope}",
        "restartPostUri": f"{instance_url}/restart?{scope}",
        "suspendPostUri": f"{instance_url}/suspend?reason={{text}}&{scope}",
        "resumePostUri": f"{instance_url}/resume?reason={{text}}&{scope}",
    }
