"""Telling one recipient: every channel tried, each at most once, the receipts of all returned."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from fanout.adapters.blob import blob_store
from fanout.adapters.settings import settings
from fanout.errors import PermanentError, TransientError
from fanout.workload import Context
from workloads.notifications import mail, webhook
from workloads.notifications.parameters import NotificationParameters
from workloads.notifications.rate import bucket
from workloads.notifications.receipts import Receipt, Receipts
from workloads.notifications.recipient import Channel, Recipient
from workloads.notifications.settings import NotificationSettings, notification_settings
from workloads.notifications.sms import HttpSmsProvider, SmsProvider
from workloads.notifications.suppression import is_suppressed
from workloads.notifications.targets import checked
from workloads.notifications.templates import rendered, rendered_json

Send = Callable[[], Receipt]


@dataclass(frozen=True)
class Delivery:
    """One recipient's turn.

    Attributes:
        provider: Sends text messages; None where none is configured.
    """

    recipient: Recipient
    context: Context[NotificationParameters]
    settings: NotificationSettings
    receipts: Receipts
    provider: SmsProvider | None = None

    @classmethod
    def of(cls, recipient: Recipient, context: Context[NotificationParameters]) -> "Delivery":
        """Prepare with what this process is configured with."""
        configured = notification_settings()
        seconds = context.parameters.limits.timeout_seconds
        url, token = configured.sms_url, configured.sms_token
        provider = HttpSmsProvider(url, token, seconds) if url is not None else None
        receipts = Receipts(blob_store(), settings().runs_container, context.run_id)
        return cls(recipient, context, configured, receipts, provider)

    def run(self) -> dict[Channel, Receipt]:
        """Send over every channel that has a template.

        Raises:
            TransientError: A channel may succeed later; those that did are not tried again.
            PermanentError: A channel never will, and none is left to try.
        """
        receipts: dict[Channel, Receipt] = {}
        failures: dict[Channel, PermanentError | TransientError] = {}
        templates = self.context.parameters.templates
        for channel, address in self.recipient.channels():
            if getattr(templates, channel) is None:
                continue
            try:
                receipts[channel] = self._tell(channel, address)
            except (PermanentError, TransientError) as failure:
                failures[channel] = failure
        if failures:
            raise _as_one(failures, receipts)
        if not receipts:
            raise PermanentError("the run has no template for any of its channels")
        return receipts

    def _tell(self, channel: Channel, address: str) -> Receipt:
        parameters = self.context.parameters
        if is_suppressed(address, parameters, self.context.run_id):
            return Receipt(status="suppressed")
        key = f"{self.context.idempotency_key}/{channel}"
        prepare: dict[Channel, Callable[[str], Send]] = {
            "email": self._mail,
            "webhook": self._webhook,
            "sms": self._sms,
        }
        send = prepare[channel](key)
        rate = parameters.limits.per_second(channel)
        if rate is not None:
            bucket(self.context.run_id, channel, rate).take()
        return self.receipts.once(key, self._digest(), send)

    def _mail(self, key: str) -> Send:
        parameters, server = self.context.parameters, self.settings.smtp
        template = parameters.templates.email
        if server is None or template is None:
            raise PermanentError("the app has no mail server")
        message = mail.composed(self.recipient, template, parameters.sender, key)

        def send() -> Receipt:
            mail.send(message, server, parameters.limits.timeout_seconds)
            return _sent(str(message["Message-ID"]), 250)

        return send

    def _webhook(self, key: str) -> Send:
        parameters, secret = self.context.parameters, self.settings.webhook_secret
        template = parameters.templates.webhook
        if secret is None or template is None:
            raise PermanentError("the app has no secret to sign webhooks with")
        body = rendered_json(template.body, self.recipient.fields)
        header = _header_safe(key)

        def send() -> Receipt:
            allowed = self.settings.allow_private_webhooks
            target = checked(str(self.recipient.webhook), allow_private=allowed)
            seconds = parameters.limits.timeout_seconds
            return _sent(header, webhook.post(target, body, header, secret, seconds))

        return send

    def _sms(self, key: str) -> Send:
        parameters, provider = self.context.parameters, self.provider
        template = parameters.templates.sms
        if provider is None or template is None:
            raise PermanentError("the app has no SMS provider")
        text = rendered(template.text, self.recipient.fields)

        def send() -> Receipt:
            number = str(self.recipient.sms)
            sent_as = provider.send(number, parameters.sender.sms, text, _header_safe(key))
            return _sent(sent_as, None)

        return send

    def _digest(self) -> str:
        content = json.dumps(self.recipient.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def _sent(message_id: str, code: int | None) -> Receipt:
    return Receipt(status="sent", message_id=message_id, code=code, at=datetime.now(UTC))


def _header_safe(key: str) -> str:
    """Keep a key as it is where a header can carry it; an item's id may hold anything."""
    if key.isascii() and key.isprintable() and len(key) <= 255:
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _as_one(
    failures: dict[Channel, PermanentError | TransientError], receipts: dict[Channel, Receipt]
) -> PermanentError | TransientError:
    """Make one error of those of all channels: transient if any is, with the longest wait."""
    told = [f"{channel}: {failure}" for channel, failure in failures.items()]
    told += [f"{channel}: {receipt.status}" for channel, receipt in receipts.items()]
    message = "; ".join(told)
    transient = [f for f in failures.values() if isinstance(f, TransientError)]
    if not transient:
        return PermanentError(message)
    waits = [failure.retry_after for failure in transient if failure.retry_after is not None]
    return TransientError(message, max(waits, default=None))
