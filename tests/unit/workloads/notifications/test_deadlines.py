"""A message that takes too long has failed, whatever the other side does meanwhile.

Nothing here measures time: without a deadline these exchanges would never end.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fanout.errors import TransientError
from tests.support.hostile.dripping import PAUSE_SECONDS, dripping
from tests.support.hosts.silent import silent_port
from tests.support.services.certificates import certificate
from tests.support.services.raw_answers import raw_server
from workloads.notifications.mail import compose_mail, send_mail
from workloads.notifications.parameters import EmailTemplate, Sender
from workloads.notifications.recipient import Recipient
from workloads.notifications.settings import SmtpServer
from workloads.notifications.sms import HttpSmsProvider
from workloads.notifications.targets import Target, resolve, resolve_target
from workloads.notifications.webhook import post_webhook

pytestmark = pytest.mark.timeout(60)
SECONDS = 0.4
HOST = "hook.invalid"
TOO_LONG = r"it took longer than 0\.4 s"
OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "status": (b"HTTP/1.1 ", b"0"),
    "header": (OK + b"X-Long: ", b"a"),
    "headers": (OK, b"X-More: 1\r\n"),
    "continues": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
BODIES = {
    "body": (OK + b"Content-Length: 1000000\r\n\r\n", b"a"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "endless": (OK + b"\r\n", b" "),
}
MAIL_DRIPS = {
    "greeting": (b"220-", b"a"),
    "greetings": (b"", b"220-ready\r\n"),
    "ehlo": (b"220 ready\r\n", b"250-MORE\r\n"),
    "silence after": (b"220 ready\r\n250 fine\r\n", b""),
}


def post(port: int, scheme: str = "http") -> int:
    target = Target(scheme, HOST, port, "127.0.0.1", "/")
    return post_webhook(target, b"{}", "key", b"secret", SECONDS)


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_a_webhook_whose_receiver_drips_is_given_up(drip: tuple[bytes, bytes]):
    with dripping(*drip) as port, pytest.raises(TransientError):
        post(port)


@pytest.mark.parametrize(
    "head",
    [
        b"HT",
        b"<html>\r\n\r\n",
        OK + b"Content-Type: multipart/mixed; boundary*=a; boundary*0=b\r\n\r\n",
        OK + b"Content-Type: multipart/mixed; boundary*" + b"1" * 5_000 + b"=x\r\n\r\n",
    ],
)
def test_a_receiver_that_answers_with_junk_is_tried_again(head: bytes):
    with raw_server(head) as server, pytest.raises(TransientError, match="not reached"):
        post(server.port)


def test_a_webhook_says_that_it_took_too_long():
    with dripping(*DRIPS["header"]) as port, pytest.raises(TransientError, match=TOO_LONG):
        post(port)


def test_a_webhook_over_tls_is_given_up_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = certificate(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with (
        dripping(*DRIPS["header"], certificate=context) as port,
        pytest.raises(TransientError, match=TOO_LONG),
    ):
        post(port, "https")


@pytest.mark.parametrize("beginning", [b"\x16", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"])
def test_a_receiver_that_drips_its_first_record_of_tls_is_given_up(beginning: bytes):
    with dripping(beginning, b"\x03") as port, pytest.raises(TransientError):
        post(port, "https")


def test_a_large_webhook_that_nobody_reads_is_given_up():
    target_body = b'"' + b"a" * 30_000_000 + b'"'
    with silent_port() as port, pytest.raises(TransientError):
        target = Target("http", HOST, port, "127.0.0.1", "/")
        post_webhook(target, target_body, "key", b"secret", SECONDS)


@pytest.mark.parametrize("drip", [*DRIPS.values(), *BODIES.values()], ids=[*DRIPS, *BODIES])
def test_a_provider_of_text_messages_that_drips_is_given_up(drip: tuple[bytes, bytes]):
    with dripping(*drip) as port, pytest.raises(TransientError):
        HttpSmsProvider(f"http://127.0.0.1:{port}/", None, SECONDS).send("+49301", None, "a", "k")


def test_the_answer_of_a_provider_is_read_as_far_as_an_id_may_be_long():
    whole = b'{"id": "m-1"}' + b" " * 10_000_000
    head = OK + f"Content-Length: {len(whole)}\r\n\r\n".encode()
    with dripping(head + whole, b"") as port:
        provider = HttpSmsProvider(f"http://127.0.0.1:{port}/", None, 30)
        assert provider.send("+49301", None, "a", "k") == "m-1"


@pytest.mark.parametrize("drip", MAIL_DRIPS.values(), ids=MAIL_DRIPS)
def test_a_mail_server_that_drips_is_given_up(drip: tuple[bytes, bytes]):
    with dripping(*drip) as port, pytest.raises(TransientError):
        send_mail(mail(), SmtpServer("smtp", "127.0.0.1", port), SECONDS)


def test_a_mail_server_over_tls_that_drips_its_first_record_is_given_up():
    with dripping(b"\x16", b"\x03") as port, pytest.raises(TransientError):
        send_mail(mail(), SmtpServer("smtps", "127.0.0.1", port), SECONDS)


def test_a_mail_server_that_drips_after_starttls_is_given_up():
    greeting = b"220 ready\r\n250-fine\r\n250 STARTTLS\r\n220 go on\r\n"
    with dripping(greeting, b"\x16\x03\x03\x40\x00") as port, pytest.raises(TransientError):
        send_mail(mail(), SmtpServer("smtp+starttls", "127.0.0.1", port), SECONDS)


def test_a_handshake_of_tls_has_what_is_left_of_the_time(monkeypatch: pytest.MonkeyPatch):
    timeouts: list[float | None] = []
    wrap = ssl.SSLContext.wrap_socket

    def wrap_and_note(context: ssl.SSLContext, sock: socket.socket, **options: Any) -> Any:
        timeouts.append(sock.gettimeout())
        return wrap(context, sock, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap_and_note)
    # It says no sooner than after a pause that the handshake may begin.
    with (
        dripping(b"220 ready\r\n250-fine\r\n250 STARTTLS\r\n", b"220 go on\r\n") as port,
        pytest.raises(TransientError),
    ):
        send_mail(mail(), SmtpServer("smtp+starttls", "127.0.0.1", port), 30)
    assert timeouts[0] is not None
    assert timeouts[0] <= 30 - PAUSE_SECONDS / 2


def mail() -> Any:
    recipient = Recipient(id="1", email="ada@example.org")
    template = EmailTemplate(subject="Hello", text="Hi")
    return compose_mail(recipient, template, Sender(email="shop@example.org"), "key")


@pytest.fixture
def hanging_resolver(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A resolver that answers for numbers, and for no name."""
    ended, ask = threading.Event(), socket.getaddrinfo

    def hang(host: Any, *given: Any, **options: Any) -> Any:
        if host and not str(host)[:1].isdigit() and not options.get("flags"):
            ended.wait(300)
        return ask(host, *given, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield
    ended.set()


EXCHANGES: dict[str, Callable[[], object]] = {
    "webhook": lambda: resolve_target(
        "https://a.example/", resolver=lambda host, port: resolve(host, port, SECONDS)
    ),
    "sms": lambda: HttpSmsProvider("http://a.example/", None, SECONDS).send("+4", None, "a", "k"),
    "mail": lambda: send_mail(mail(), SmtpServer("smtp", "a.example", 25), SECONDS),
}


@pytest.mark.parametrize("exchange", EXCHANGES.values(), ids=EXCHANGES)
def test_a_resolver_that_hangs_is_given_up(hanging_resolver: None, exchange: Callable[[], object]):
    with pytest.raises(TransientError, match=TOO_LONG):
        exchange()
