"""Webhooks: a signed POST to a checked address, redirects not followed."""

import hashlib
import hmac
import time
from typing import Any

import urllib3

from fanout.errors import TransientError
from workloads.notifications.answers import insist_on_success
from workloads.notifications.targets import Target

TIMESTAMP = "X-Fanout-Timestamp"
SIGNATURE = "X-Fanout-Signature"


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """Sign ``timestamp.body``; a receiver compares it and refuses old timestamps."""
    signed = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={signed.hexdigest()}"


def post(target: Target, body: bytes, key: str, secret: bytes, timeout_seconds: float) -> int:
    """Send a webhook and return the status of the answer; its body is not read.

    Raises:
        TransientError: It was not taken now.
        PermanentError: It never will be.
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
        with _pool(target, timeout_seconds) as pool:
            answer = pool.urlopen(
                "POST", target.path, body, headers, redirect=False, preload_content=False
            )
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"the webhook was not reached: {type(error).__name__}") from error
    insist_on_success("the webhook", answer.status, answer.headers.get("Retry-After"))
    return int(answer.status)


def _pool(target: Target, timeout_seconds: float) -> urllib3.HTTPConnectionPool:
    """Connect to the checked address; the name is for the certificate alone."""
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
