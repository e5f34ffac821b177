"""Webhooks: a signed POST to a checked address, without following redirects."""

import hashlib
import hmac
import time
from typing import Any

import urllib3

from fanout.errors import TransientError
from workloads.notifications.answers import require_success
from workloads.notifications.targets import Target

TIMESTAMP = "X-Fanout-Timestamp"
SIGNATURE = "X-Fanout-Signature"


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Sign ``timestamp.body``; a receiver compares it and refuses old timestamps."""
    digest = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


def post_webhook(
    target: Target, body: bytes, key: str, secret: bytes, timeout_seconds: float
) -> int:
    """Send a webhook and return the status of the response; its body is not read.

    Raises:
        TransientError: It was not accepted, and may be later.
        PermanentError: It never will be accepted.
    """
    timestamp = str(int(time.time()))
    headers = {
        "Host": target.host_header,
        "Content-Type": "application/json",
        "User-Agent": "fanout-notifications",
        "Idempotency-Key": key,
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
    }
    try:
        with _connection_pool(target, timeout_seconds) as pool:
            response = pool.urlopen(
                "POST", target.path, body, headers, redirect=False, preload_content=False
            )
            response.close()
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"the webhook was not reached: {type(error).__name__}") from error
    require_success("the webhook", response.status, response.headers.get("Retry-After"))
    return int(response.status)


def _connection_pool(target: Target, timeout_seconds: float) -> urllib3.HTTPConnectionPool:
    """Connections to the checked address; the name is only for the certificate."""
    options: dict[str, Any] = {"timeout": timeout_seconds, "retries": False, "maxsize": 1}
    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(target.address, target.port, **options)
    return urllib3.HTTPSConnectionPool(
        target.address,
        target.port,
        cert_reqs="CERT_REQUIRED",
        server_hostname=target.host,
        assert_hostname=target.host,
        **options,
    )
