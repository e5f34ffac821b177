"""What App Service says of somebody who signed in."""

import base64
import json


def principal(*roles: str, who: str = "someone") -> dict[str, str]:
    """The headers of a call of theirs."""
    claims = [{"typ": "oid", "val": who}, *({"typ": "roles", "val": role} for role in roles)]
    body = {"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": "roles"}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(body).encode()).decode()}
