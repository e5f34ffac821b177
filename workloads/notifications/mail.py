"""Email over SMTP. `email.message` makes the headers and refuses line breaks in them."""

import smtplib
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from fanout.errors import PermanentError, TransientError
from fanout.exchanges import Deadline
from workloads.notifications.addresses.mailboxes import parse_mailbox
from workloads.notifications.keys import mail_message_id
from workloads.notifications.parameters import EmailTemplate, Sender
from workloads.notifications.recipient import Recipient
from workloads.notifications.sandbox.errors import RenderError
from workloads.notifications.settings import SmtpScheme, SmtpServer
from workloads.notifications.templates import render

# RFC 5322, 2.1.1: what a line may have. A header is folded in a time that grows with its square.
MAX_SUBJECT_CHARACTERS = 998


def compose_mail(
    recipient: Recipient, template: EmailTemplate, sender: Sender, key: str
) -> EmailMessage:
    """Compose a mail; the same key gives the same `Message-ID`.

    Raises:
        RenderError: The template and the recipient's fields make no mail.
    """
    fields = recipient.fields
    message = EmailMessage()
    try:
        message["From"] = _header_address(str(sender.email), sender.name)
        message["To"] = _header_address(str(recipient.email))
        subject = render(template.subject, fields, max_characters=MAX_SUBJECT_CHARACTERS)
        message["Subject"] = subject
    except ValueError as error:
        raise RenderError(f"the mail has no valid headers: {error}") from error
    if sender.reply_to is not None:
        message["Reply-To"] = _header_address(sender.reply_to)
    message["Date"] = localtime()
    message["Message-ID"] = mail_message_id(key, parse_mailbox(str(sender.email)).text)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: asks for no automatic replies
    message.set_content(render(template.text, fields))
    if template.html is not None:
        message.add_alternative(render(template.html, fields, is_html=True), subtype="html")
    return message


def _header_address(text: str, name: str = "") -> Address:
    """An address with its domain in A-labels: so a server needs SMTPUTF8 only for what is local."""
    mailbox = parse_mailbox(text)
    return Address(name, mailbox.local, mailbox.domain)


def send_mail(message: EmailMessage, server: SmtpServer, timeout_seconds: float) -> None:
    """Send a mail.

    Args:
        message: The mail.
        server: Who takes it.
        timeout_seconds: How long all of it may take.

    Raises:
        TransientError: The server answers 4xx, or cannot be reached in time.
        PermanentError: It answers 5xx, or there is no safe way to send, or an address of the mail
            needs SMTPUTF8 and the server has it not.
    """
    try:
        with (
            Deadline(timeout_seconds) as deadline,
            _open(server, deadline) as connection,
        ):
            _secure(connection, server, deadline)
            _transmit(connection, message)
    except smtplib.SMTPRecipientsRefused as error:
        (code, text), *_ = error.recipients.values()
        raise _smtp_error(code, text) from error
    except smtplib.SMTPResponseException as error:
        raise _smtp_error(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise PermanentError(f"the mail server cannot: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        fault = deadline.error() if deadline.has_passed else f"{type(error).__name__}: {error}"
        raise TransientError(f"the mail server failed: {fault}") from error


def _transmit(connection: smtplib.SMTP, message: EmailMessage) -> None:
    """Send over SMTPUTF8 (RFC 6531) what needs it, and anything else as every server takes it."""
    addresses = [
        address.addr_spec
        for header in ("From", "To", "Reply-To")
        if message[header] is not None
        for address in message[header].addresses
    ]
    unusual = next((address for address in addresses if not address.isascii()), None)
    if unusual is not None and not connection.has_extn("smtputf8"):
        fault = "the mail server lacks SMTPUTF8, and without it mail has no address"
        raise PermanentError(f"{fault} such as '{unusual}'")
    options = [] if unusual is None else ["SMTPUTF8", "BODY=8BITMIME"]
    data = message.as_bytes(policy=policy.SMTP if unusual is None else policy.SMTPUTF8)
    sender, recipient = addresses[:2]
    connection.sendmail(sender, [recipient], data, options)


class _Smtp(smtplib.SMTP):
    """A connection that ends when the deadline of its exchange passes."""

    def __init__(self, server: SmtpServer, deadline: Deadline, **options: Any) -> None:
        self._deadline = deadline
        options |= {"timeout": deadline.remaining(), "local_hostname": _own_name()}
        super().__init__(server.host, server.port, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._deadline.watch(sock)
        return sock

    def __exit__(self, *_: object) -> None:
        """Say goodbye; what is said to it is of no interest: the mail was taken before, or not."""
        with closing(self), suppress(smtplib.SMTPException, OSError):
            self.docmd("QUIT")


class _Smtps(_Smtp, smtplib.SMTP_SSL):
    """The same over TLS from the beginning."""


@dataclass(frozen=True)
class _Tls:
    """TLS as `smtplib` asks for it, whose handshake has no longer than the deadline leaves.

    To wrap a socket takes it from under who watches it, until the handshake is over.
    """

    deadline: Deadline

    def wrap_socket(self, sock: socket.socket, server_hostname: str) -> ssl.SSLSocket:
        sock.settimeout(self.deadline.remaining())
        context = ssl.create_default_context()
        secure = context.wrap_socket(sock, server_hostname=server_hostname)
        self.deadline.watch(secure)
        return secure


@lru_cache(maxsize=1)
def _own_name() -> str:
    """What this machine says it is; a resolver is asked once, and not for every mail."""
    return smtplib.SMTP().local_hostname


def _open(server: SmtpServer, deadline: Deadline) -> smtplib.SMTP:
    """Connect; in a thread of its own where a resolver is asked, which cannot be told to end."""
    if _own_name.cache_info().currsize and _is_address(server.host):
        return _connect(server, deadline)
    return deadline.call(lambda: _connect(server, deadline))


def _connect(server: SmtpServer, deadline: Deadline) -> smtplib.SMTP:
    if server.scheme == SmtpScheme.SMTPS:
        return _Smtps(server, deadline, context=_Tls(deadline))
    return _Smtp(server, deadline)


def _secure(connection: smtplib.SMTP, server: SmtpServer, deadline: Deadline) -> None:
    connection.ehlo_or_helo_if_needed()
    is_secure = server.scheme == SmtpScheme.SMTPS
    if not is_secure and connection.has_extn("starttls"):
        connection.starttls(context=_Tls(deadline))  # type: ignore[call-overload]
        connection.ehlo()
        is_secure = True
    if server.scheme == SmtpScheme.STARTTLS and not is_secure:
        raise PermanentError("the mail server offers no STARTTLS")
    if server.user:
        if not is_secure and not _is_local(server.host):
            raise PermanentError("the mail server offers no TLS, and a password goes only over it")
        connection.login(server.user, server.password)


def _is_local(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _smtp_error(code: int, reply: bytes | str) -> PermanentError | TransientError:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    message = f"the mail server answered {code} {text}"
    # A refusal below 400 breaks the protocol; such a server may recover.
    return PermanentError(message) if code >= 500 else TransientError(message)
