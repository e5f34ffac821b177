"""The app settings of notifications: servers and secrets, which no request may carry."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote, urlsplit, urlunsplit

from fanout.adapters.settings import SettingsError, parse_flag
from workloads.notifications.addresses.domains import encode_domain

SMTP = "FANOUT_SMTP"
SECRET = "FANOUT_WEBHOOK_SECRET"  # noqa: S105  the setting's name
ALLOW_PRIVATE = "FANOUT_ALLOW_PRIVATE_WEBHOOKS"
SMS_URL = "FANOUT_SMS_URL"
SMS_TOKEN = "FANOUT_SMS_TOKEN"  # noqa: S105  the setting's name
# What a setting holds where Azure has not found its secret: everybody knows that text.
# Source: https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
_REFERENCE = "@Microsoft.KeyVault("


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
        smtp = _secret(values, SMTP)
        return cls(
            smtp=_parse_smtp(smtp) if smtp else None,
            webhook_secret=_secret(values, SECRET).encode(errors="surrogateescape") or None,
            allow_private_webhooks=parse_flag(ALLOW_PRIVATE, values.get(ALLOW_PRIVATE)),
            sms_url=_encode_url(values[SMS_URL]) if values.get(SMS_URL) else None,
            sms_token=_secret(values, SMS_TOKEN) or None,
        )


@lru_cache(maxsize=1)
def notification_settings() -> NotificationSettings:
    """The settings of this process."""
    return NotificationSettings.from_environment(os.environ)


def _secret(values: Mapping[str, str], name: str) -> str:
    """A secret; empty where there is none, or only a reference to what the vault has not."""
    value = values.get(name) or ""
    return "" if value.startswith(_REFERENCE) else value


def _encode_host(host: str | None) -> str:
    """A host in A-labels: what the library makes of others follows the IDNA of 2003."""
    return host or "" if not host or host.isascii() else encode_domain(host)


def _encode_url(url: str) -> str:
    """A URL of HTTP with its host in A-labels."""
    form = f"{SMS_URL} takes https:// or http:// with a host, and a port if there is another one."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", _require_port(parts.port)
        if parts.scheme not in ("http", "https") or not host:
            raise SettingsError(form)  # without the value, which may hold a password
        if url.isascii():
            return url
        user, at, place = parts.netloc.rpartition("@")
        place = user + at + place.lower().replace(host, _encode_host(host))
    except ValueError:
        raise SettingsError(form) from None
    return urlunsplit(parts._replace(netloc=place))


def _require_port(port: int | None) -> int | None:
    """Refuse port 0, at which nobody listens; a port of a URL has no more than 16 bits."""
    if port == 0:
        raise ValueError("nobody listens at port 0")
    return port


def _parse_smtp(url: str) -> SmtpServer:
    form = f"{SMTP} takes smtp://, smtp+starttls:// or smtps:// with [user:password@]host[:port]."
    try:
        parts = urlsplit(url)
        port, scheme = _require_port(parts.port), SmtpScheme(parts.scheme)
        host = _encode_host(parts.hostname)
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
