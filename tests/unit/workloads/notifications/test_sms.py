import json

import pytest

from fanout.errors import PermanentError, TransientError
from tests.support.services.receiver import Said, receiving
from workloads.notifications.sms import HttpSmsProvider


def test_a_message_goes_to_the_provider_who_gives_its_id():
    with receiving({"/v1/sms": [Said(201, body=b'{"id": "m-1"}')]}) as receiver:
        provider = HttpSmsProvider(f"{receiver.origin}/v1/sms", "token", 10)
        assert provider.send("+4930123456", "Shop", "Hello", "key") == "m-1"
    (received,) = receiver.received
    assert json.loads(received.body) == {"to": "+4930123456", "from": "Shop", "text": "Hello"}
    assert received.headers["authorization"] == "Bearer token"
    assert received.headers["idempotency-key"] == "key"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Said(400), PermanentError),
        (Said(503, {"Retry-After": "2"}), TransientError),
        (Said(200, body=b"no json"), PermanentError),
        (Said(200, body=b"[]"), PermanentError),
        (Said(200, body=b"{}"), PermanentError),
    ],
)
def test_a_provider_that_refuses_or_gives_no_id_is_an_error(said: Said, error: type[Exception]):
    with receiving({"/": [said]}) as receiver:
        provider = HttpSmsProvider(f"{receiver.origin}/", None, 10)
        with pytest.raises(error):
            provider.send("+4930123456", None, "Hello", "key")
    assert "authorization" not in receiver.received[0].headers


def test_a_provider_that_is_gone_is_transient():
    with receiving() as receiver:
        provider = HttpSmsProvider(f"{receiver.origin}/", None, 10)
    with pytest.raises(TransientError, match="not reached"):
        provider.send("+4930123456", None, "Hello", "key")
