"""The app settings of notifications: servers and secrets, which no request may carry."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote, urlsplit, urlunsplit

from fanout.adapters.settings import SettingsError
from workloads.notifications.addresses.domains import encode_domain

SMTP = "FANOUT_SMTP"
SECRET = "FANOUT_WEBHOOK_SECRET"  # noqa: S105  the setting's name
ALLOW_PRIVATE = "FANOUT_ALLOW_PRIVATE_WEBHOOKS"
SMS_URL = "FANOUT_SMS_URL"
SMS_TOKEN = "FANOUT_SMS_TOKEN"  # noqa: S105  the setting's name


class SmtpScheme(StrEnum):
    """How the connection to a mail server is encrypted."""

    OPPORTUNISTIC = "smtp"
    STARTTLS = "smtp+starttls"
    SMTPS = "smtps"


_PORTS = {SmtpScheme.OPPORTUNISTIC: 25, SmtpScheme.STARTTLS: 587, SmtpScheme.SMTPS: 465}


@dataclass(frozen=True)
class SmtpServer:
    """The mail server that takes our mails.

    Attributes:
        scheme: ``smtp`` (STARTTLS where offered), ``smtp+starttls`` (required) or ``smtps``.
    """

    scheme: SmtpScheme
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class NotificationSettings:
    """The settings; None where one is not configured."""

    smtp: SmtpServer | None = None
    webhook_secret: bytes | None = field(default=None, repr=False)
    allow_private_webhooks: bool = False
    sms_url: str | None = None
    sms_token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, values: Mapping[str, str]) -> "NotificationSettings":
        """Read the settings.

        Raises:
            SettingsError: One is malformed.
        """
        flag = (values.get(ALLOW_PRIVATE) or "false").lower()
        if flag not in ("true", "false", "1", "0"):
            raise SettingsError(f"{ALLOW_PRIVATE} is '{flag}'; it takes true or false.")
        return cls(
            smtp=_parse_smtp(values[SMTP]) if values.get(SMTP) else None,
            webhook_secret=(values.get(SECRET) or "").encode() or None,
            allow_private_webhooks=flag in ("true", "1"),
            sms_url=_encode_url(values[SMS_URL]) if values.get(SMS_URL) else None,
            sms_token=values.get(SMS_TOKEN) or None,
        )


@lru_cache(maxsize=1)
def notification_settings() -> NotificationSettings:
    """The settings of this process."""
    return NotificationSettings.from_environment(os.environ)


def _encode_host(host: str | None) -> str:
    """A host in A-labels: what the library makes of others follows the IDNA of 2003."""
    return host or "" if not host or host.isascii() else encode_domain(host)


def _encode_url(url: str) -> str:
    """A URL with its host in A-labels."""
    if url.isascii():
        return url
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        user, at, place = parts.netloc.rpartition("@")
        place = user + at + place.lower().replace(host, _encode_host(host))
    except ValueError as error:
        raise SettingsError(f"{SMS_URL} is no URL: {error}") from None
    return urlunsplit(parts._replace(netloc=place))


def _parse_smtp(url: str) -> SmtpServer:
    form = f"{SMTP} takes smtp://, smtp+starttls:// or smtps:// with [user:password@]host[:port]."
    try:
        parts = urlsplit(url)
        port, scheme, host = parts.port, SmtpScheme(parts.scheme), _encode_host(parts.hostname)
    except ValueError:
        raise SettingsError(form) from None
    if not host:
        raise SettingsError(form)  # without the value, which may hold a password
    return SmtpServer(
        scheme,
        host,
        port or _PORTS[scheme],
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
