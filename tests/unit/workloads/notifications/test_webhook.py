import hashlib
import hmac

import pytest

from fanout.errors import PermanentError, TransientError
from tests.support.services.receiver import Said, receiving
from workloads.notifications.targets import Target, resolve_target
from workloads.notifications.webhook import post_webhook

SECRET = b"a secret"


def test_a_webhook_carries_its_key_and_a_signature_over_time_and_body():
    with receiving() as receiver:
        target = resolve_target(f"{receiver.origin}/hook?a=1", allow_private=True)
        assert post_webhook(target, b'{"a": 1}', "run/1/process/webhook", SECRET, 10) == 200
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook?a=1", b'{"a": 1}')
    assert received.headers["idempotency-key"] == "run/1/process/webhook"
    signed = received.headers["x-fanout-timestamp"].encode() + b"." + received.body
    expected = hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert received.headers["x-fanout-signature"] == f"v1={expected}"
    assert received.headers["host"] == target.host_header


def test_it_connects_to_the_checked_address_and_names_the_host():
    with receiving() as receiver:
        target = Target("http", "hook.invalid", receiver.server_port, "127.0.0.1", "/")
        assert post_webhook(target, b"{}", "k", SECRET, 10) == 200
    assert receiver.received[0].headers["host"] == f"hook.invalid:{receiver.server_port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int):
    with receiving() as inner:
        moved = Said(status, {"Location": f"{inner.origin}/metadata"})
        with receiving({"/": [moved]}) as receiver:
            target = resolve_target(receiver.origin, allow_private=True)
            with pytest.raises(PermanentError, match="redirects are not followed"):
                post_webhook(target, b"{}", "k", SECRET, 10)
        assert inner.received == []


def test_429_says_how_long_to_wait():
    with receiving({"/": [Said(429, {"Retry-After": "3"})]}) as receiver:
        target = resolve_target(receiver.origin, allow_private=True)
        with pytest.raises(TransientError) as raised:
            post_webhook(target, b"{}", "k", SECRET, 10)
    assert raised.value.retry_after == 3


def test_a_receiver_that_is_gone_is_transient():
    with receiving() as receiver:
        target = resolve_target(receiver.origin, allow_private=True)
    with pytest.raises(TransientError, match="not reached"):
        post_webhook(target, b"{}", "k", SECRET, 10)
