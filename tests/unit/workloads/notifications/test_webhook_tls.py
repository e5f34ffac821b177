"""Webhooks over TLS: the connection goes to the checked address, the certificate is the name's."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fanout.errors import TransientError
from tests.support.services.certificates import certificate
from tests.support.services.receiver import Receiver, receiving
from workloads.notifications.targets import Target
from workloads.notifications.webhook import post_webhook

HOST = "hook.invalid"


@contextmanager
def receiving_tls(path: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with receiving() as receiver:
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
        yield receiver


def test_the_certificate_is_held_to_the_name_and_not_to_the_address(tmp_path, monkeypatch):
    path = certificate(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with receiving_tls(path) as receiver:
        port = receiver.server_port
        assert (
            post_webhook(Target("https", HOST, port, "127.0.0.1", "/"), b"{}", "k", b"s", 10) == 200
        )
        for other in ("other.invalid", "127.0.0.1"):
            with pytest.raises(TransientError, match="not reached"):
                post_webhook(Target("https", other, port, "127.0.0.1", "/"), b"{}", "k", b"s", 10)
        assert [received.headers["host"] for received in receiver.received] == [f"{HOST}:{port}"]


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    with receiving_tls(certificate(tmp_path, HOST)) as receiver:
        target = Target("https", HOST, receiver.server_port, "127.0.0.1", "/")
        with pytest.raises(TransientError, match="not reached"):
            post_webhook(target, b"{}", "k", b"s", 10)
        assert receiver.received == []
