"""Email over SMTP. Headers are made by `email.message`, which lets no line break into one."""

import hashlib
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime
from ipaddress import ip_address

from fanout.errors import PermanentError, TransientError
from workloads.notifications.parameters import EmailTemplate, Sender
from workloads.notifications.recipient import Recipient
from workloads.notifications.settings import SmtpServer
from workloads.notifications.templates import RenderError, rendered


def composed(
    recipient: Recipient, template: EmailTemplate, sender: Sender, key: str
) -> EmailMessage:
    """Make the mail; the same key gives the same `Message-ID`.

    Raises:
        RenderError: The template and the recipient's fields make no mail.
    """
    fields = recipient.fields
    message = EmailMessage()
    try:
        message["From"] = Address(sender.name, addr_spec=sender.email)
        message["To"] = Address(addr_spec=recipient.email)
        message["Subject"] = rendered(template.subject, fields)
    except ValueError as error:
        raise RenderError(f"the mail has no valid headers: {error}") from error
    if sender.reply_to is not None:
        message["Reply-To"] = Address(addr_spec=sender.reply_to)
    message["Date"] = localtime()
    domain = str(sender.email).rpartition("@")[2]
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes, please
    message.set_content(rendered(template.text, fields))
    if template.html is not None:
        message.add_alternative(rendered(template.html, fields, is_html=True), subtype="html")
    return message


def send(message: EmailMessage, server: SmtpServer, timeout_seconds: float) -> None:
    """Hand a mail in.

    Raises:
        TransientError: 4xx, or the server is not reached.
        PermanentError: 5xx, or it cannot be handed in safely.
    """
    try:
        with _connection(server, timeout_seconds) as connection:
            _secure(connection, server)
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refusal(code, text) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise PermanentError(f"the mail server cannot: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise TransientError(f"the mail server failed: {type(error).__name__}: {error}") from error


def _connection(server: SmtpServer, timeout_seconds: float) -> smtplib.SMTP:
    if server.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_seconds, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=timeout_seconds)


def _secure(connection: smtplib.SMTP, server: SmtpServer) -> None:
    connection.ehlo_or_helo_if_needed()
    is_secure = server.scheme == "smtps"
    if not is_secure and connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
        is_secure = True
    if server.scheme == "smtp+starttls" and not is_secure:
        raise PermanentError("the mail server offers no STARTTLS")
    if server.user:
        if not is_secure and not _is_local(server.host):
            raise PermanentError("the mail server offers no TLS, and a password goes only over it")
        connection.login(server.user, server.password)


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(code: int, said: bytes | str) -> PermanentError | TransientError:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    message = f"the mail server answered {code} {text}"
    # Below 400 only a server that breaks the protocol refuses; it may recover.
    return PermanentError(message) if code >= 500 else TransientError(message)
