"""Webhooks: a signed POST to a checked address, without following redirects."""

import hashlib
import hmac
import time

import urllib3

from fanout.errors import TransientError
from fanout.exchanges import Deadline, DeadlineError
from workloads.notifications.answers import require_success
from workloads.notifications.connections import open_pool
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

    Args:
        target: Where it goes.
        body: What is sent.
        key: The idempotency key.
        secret: What it is signed with.
        timeout_seconds: How long all of it may take, up to the end of the response's headers.

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
    # The name is only for the certificate: the connection goes to the checked address.
    name = {"server_hostname": target.host, "assert_hostname": target.host}
    try:
        with (
            Deadline(timeout_seconds) as deadline,
            open_pool(target.scheme, target.address, target.port, deadline, **name) as pool,
        ):
            response = pool.urlopen(
                "POST", target.path, body, headers, redirect=False, preload_content=False
            )
            response.close()
            deadline.remaining()  # headers that are cut off look as though they were all
    except (urllib3.exceptions.HTTPError, DeadlineError) as error:
        fault = deadline.error() if deadline.has_passed else type(error).__name__
        raise TransientError(f"the webhook was not reached: {fault}") from error
    require_success("the webhook", response.status, response.headers.get("Retry-After"))
    return int(response.status)
