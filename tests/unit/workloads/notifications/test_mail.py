import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import ValidationError

from fanout.errors import PermanentError, TransientError
from localhost.stack.smtp_sink import DEVELOPMENT, SmtpSink
from tests.support.scripted_smtp import scripted_smtp
from workloads.notifications.mail import compose_mail, send_mail
from workloads.notifications.parameters import EmailTemplate, Sender
from workloads.notifications.recipient import Recipient
from workloads.notifications.settings import SmtpServer
from workloads.notifications.templates import RenderError

TEMPLATE = EmailTemplate(subject="Hello {{ name }}", text="Hi {{ name }}", html="<p>{{ name }}</p>")
SENDER = Sender(email="shop@example.org", name="The Shop")


def mail(name: str, template: EmailTemplate = TEMPLATE, sender: Sender = SENDER):
    recipient = Recipient(id="1", email="ada@example.org", fields={"name": name})
    return compose_mail(recipient, template, sender, "run/1/process/email")


def test_a_mail_has_both_texts_and_a_message_id_that_stays():
    message = mail("Ada <3")
    assert (message["From"], message["To"]) == ("The Shop <shop@example.org>", "ada@example.org")
    assert message["Message-ID"] == mail("Bob")["Message-ID"]
    assert message["Message-ID"].endswith("@example.org>")
    text, html = message.iter_parts()
    assert text.get_content().strip() == "Hi Ada <3"
    assert html.get_content().strip() == "<p>Ada &lt;3</p>"


@pytest.mark.parametrize("breaking", ["\r\n", "\n", "\r"])
def test_no_field_injects_a_header(breaking: str):
    with pytest.raises(RenderError, match="no valid headers"):
        mail(f"Ada{breaking}Bcc: eve@example.org")
    with pytest.raises(RenderError, match="no valid headers"):
        mail("Ada", sender=Sender(email="a@example.org", name=f"A{breaking}Bcc: e@example.org"))


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org\r\nBcc: eve@example.org",
        "a@example.org\n",
        "a b@example.org",
        "a@b@c.org",
        "a@example.org, eve@example.org",
        "a@example.org> RCPT TO:<eve@example.org",
        "@example.org",
        "a@",
        "a",
        '"a"@example.org',
        "a@localhost",
        "a@example.org\x00",
        "a@[127.0.0.1]",
    ],
)
def test_an_address_is_one_address_and_nothing_else(address: str):
    with pytest.raises(ValidationError, match="mail address"):
        Recipient(id="1", email=address)


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("code", "error"), [(451, TransientError), (550, PermanentError)])
def test_4xx_is_transient_and_5xx_permanent_at_every_stage(stage, code, error):
    with scripted_smtp({stage: f"{code} no"}) as port, pytest.raises(error, match=str(code)):
        send_mail(mail("Ada"), SmtpServer("smtp", "127.0.0.1", port), 10)


def test_a_server_that_hangs_up_or_is_not_there_is_transient():
    with scripted_smtp({"MAIL": ""}) as port, pytest.raises(TransientError):
        send_mail(mail("Ada"), SmtpServer("smtp", "127.0.0.1", port), 10)
    with unused_port() as port, pytest.raises(TransientError):
        send_mail(mail("Ada"), SmtpServer("smtp", "127.0.0.1", port), 10)


def test_where_starttls_is_required_and_not_offered_nothing_is_sent():
    with scripted_smtp({}) as port, pytest.raises(PermanentError, match="STARTTLS"):
        send_mail(mail("Ada"), SmtpServer("smtp+starttls", "127.0.0.1", port), 10)


async def test_a_mail_reaches_a_real_server(tmp_path):
    sink = SmtpSink(tmp_path, {"S": DEVELOPMENT})
    port = int((await sink.start())["S"].rpartition(":")[2])
    await asyncio.to_thread(send_mail, mail("Ada"), SmtpServer("smtp", "127.0.0.1", port), 10)
    await sink.stop()
    assert [b"Subject: Hello Ada" in path.read_bytes() for path in tmp_path.iterdir()] == [True]


@contextmanager
def unused_port() -> Iterator[int]:
    """A port that is taken and refuses connections, since nobody listens on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
