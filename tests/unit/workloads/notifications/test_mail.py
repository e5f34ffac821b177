import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import ValidationError

from fanout.errors import PermanentError, TransientError
from localhost.stack.smtp_sink import DEVELOPMENT, SmtpSink
from tests.support.doubles.scripted_smtp import scripted_smtp
from tests.support.hosts.mail_server import MailServer, mail_server
from workloads.notifications.mail import MAX_SUBJECT_CHARACTERS, compose_mail, send_mail
from workloads.notifications.parameters import EmailTemplate, Sender
from workloads.notifications.recipient import Recipient
from workloads.notifications.sandbox.errors import RenderError, TemplateLimitError
from workloads.notifications.settings import SmtpServer

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


def test_a_subject_has_as_many_characters_as_a_line_may_have():
    room = MAX_SUBJECT_CHARACTERS - len("Hello ")
    assert mail("x" * room)["Subject"] == "Hello " + "x" * room
    with pytest.raises(TemplateLimitError, match="more than 998 characters"):
        mail("x" * (room + 1))


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


UMLAUT = "jörg@bücher.example"


def send_to(
    address: str, *, has_smtputf8: bool, sender: str = "shop@bücher.example", **more: str
) -> MailServer:
    recipient = Recipient(id="1", email=address, fields={"name": "Jörg"})
    mail = compose_mail(
        recipient, TEMPLATE, Sender(email=sender, name="Bücher", **more), "run/1/process/email"
    )
    with mail_server(has_smtputf8=has_smtputf8) as server:
        send_mail(mail, SmtpServer("smtp", "127.0.0.1", server.port), 10)
    return server


@pytest.mark.parametrize("has_smtputf8", [True, False])
@pytest.mark.parametrize(
    "address", ["jo@bücher.example", "jo@BÜCHER。example.", "jo@xn--bcher-kva.example"]
)
def test_mail_to_an_idn_domain_goes_to_its_a_labels(address: str, has_smtputf8: bool):
    server = send_to(address, has_smtputf8=has_smtputf8)
    (envelope,), (mail,) = server.envelopes, server.mails
    assert envelope.rcpt_tos == ["jo@xn--bcher-kva.example"]
    assert envelope.mail_from == "shop@xn--bcher-kva.example"
    assert mail["To"].addresses[0].addr_spec == "jo@xn--bcher-kva.example"
    assert mail["From"].addresses[0].display_name == "Bücher"
    assert mail["Message-ID"].isascii()
    assert "Hi Jörg" in mail.get_body(("plain",)).get_content()


def test_a_mailbox_beyond_ascii_is_reached_where_the_server_has_smtputf8():
    server = send_to(UMLAUT, has_smtputf8=True)
    (envelope,), (mail,) = server.envelopes, server.mails
    assert envelope.rcpt_tos == ["jörg@xn--bcher-kva.example"]
    assert "SMTPUTF8" in envelope.mail_options
    assert "To: jörg@xn--bcher-kva.example".encode() in envelope.content
    assert mail["Subject"] == "Hello Jörg"


@pytest.mark.parametrize(
    "addresses",
    [
        {"address": UMLAUT},
        {"address": "jo@example.org", "sender": UMLAUT},
        {"address": "jo@example.org", "reply_to": UMLAUT},
    ],
)
def test_a_mailbox_beyond_ascii_fails_for_good_where_the_server_lacks_smtputf8(addresses):
    with pytest.raises(PermanentError, match=r"lacks SMTPUTF8.*jörg@xn--bcher-kva\.example"):
        send_to(has_smtputf8=False, **addresses)


def test_a_reply_address_beyond_ascii_stands_in_the_mail_as_it_is():
    server = send_to("jo@example.org", has_smtputf8=True, reply_to=UMLAUT)
    assert "Reply-To: jörg@xn--bcher-kva.example\r\n".encode() in server.envelopes[0].content


def test_mail_of_plain_addresses_is_sent_as_before():
    server = send_to("Ada@Example.org", has_smtputf8=True, sender="shop@example.org")
    assert server.envelopes[0].rcpt_tos == ["Ada@Example.org"]
    assert [option.partition("=")[0] for option in server.envelopes[0].mail_options] == ["SIZE"]
    assert server.envelopes[0].content.startswith(b"From: ")


@pytest.mark.parametrize("goodbye", ["421 closing", "554 no", "221-wait"])
def test_a_mail_that_was_taken_is_sent_whatever_the_server_says_to_the_goodbye(goodbye: str):
    with mail_server(has_smtputf8=True, goodbye=goodbye) as server:
        send_mail(mail("Ada"), SmtpServer("smtp", "127.0.0.1", server.port), 2)
    assert len(server.envelopes) == 1


def test_a_refusal_stays_one_whatever_the_server_says_to_the_goodbye():
    said = {"RCPT": "550 no", "QUIT": "421 closing"}
    with scripted_smtp(said) as port, pytest.raises(PermanentError, match="550 no"):
        send_mail(mail("Ada"), SmtpServer("smtp", "127.0.0.1", port), 10)


@contextmanager
def unused_port() -> Iterator[int]:
    """A port that is taken and refuses connections, since nobody listens on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
