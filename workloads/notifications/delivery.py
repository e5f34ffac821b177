"""Deliver to one recipient: try every channel, each at most once, and return all receipts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from fanout.adapters.blob import blob_store
from fanout.adapters.settings import settings
from fanout.errors import PermanentError, TransientError
from fanout.workload import Context
from workloads.notifications.keys import header_key, message_key, recipient_digest
from workloads.notifications.mail import compose_mail, send_mail
from workloads.notifications.parameters import NotificationParameters
from workloads.notifications.rate import run_bucket
from workloads.notifications.receipts import Receipt, Receipts
from workloads.notifications.recipient import Channel, Recipient
from workloads.notifications.sandbox.errors import RenderError, TemplateLimitError
from workloads.notifications.settings import NotificationSettings, notification_settings
from workloads.notifications.sms import HttpSmsProvider, SmsProvider
from workloads.notifications.suppression import is_suppressed
from workloads.notifications.targets import resolve, resolve_target
from workloads.notifications.templates import render, render_json
from workloads.notifications.webhook import post_webhook

Send = Callable[[], Receipt]
DeliveryError = PermanentError | TransientError
SMTP_OK = 250


@dataclass(frozen=True)
class Delivery:
    """The delivery to one recipient.

    Attributes:
        provider: Sends text messages; None where none is configured.
    """

    recipient: Recipient
    context: Context[NotificationParameters]
    settings: NotificationSettings
    receipts: Receipts
    provider: SmsProvider | None = None

    @classmethod
    def prepare(cls, recipient: Recipient, context: Context[NotificationParameters]) -> "Delivery":
        """Prepare a delivery with the settings of this process."""
        app = notification_settings()
        seconds = context.parameters.limits.timeout_seconds
        url, token = app.sms_url, app.sms_token
        provider = HttpSmsProvider(url, token, seconds) if url is not None else None
        receipts = Receipts(blob_store(), settings().runs_container, context.run_id)
        return cls(recipient, context, app, receipts, provider)

    def run(self) -> dict[Channel, Receipt]:
        """Send over every channel that has a template.

        Raises:
            TransientError: A channel may succeed later; those that did are not tried again.
            PermanentError: A channel never will, and no other may.
        """
        receipts: dict[Channel, Receipt] = {}
        failures: dict[Channel, DeliveryError] = {}
        templates = self.context.parameters.templates
        for channel, address in self.recipient.channels():
            if getattr(templates, channel) is None:
                continue
            try:
                receipts[channel] = self._deliver(channel, address)
            except (PermanentError, TransientError) as failure:
                failures[channel] = failure
        if failures:
            raise _merge_failures(failures, receipts)
        if not receipts:
            raise PermanentError("the run has no template for any of its channels")
        return receipts

    def _deliver(self, channel: Channel, address: str) -> Receipt:
        parameters = self.context.parameters
        if is_suppressed(address, parameters, self.context.run_id):
            return Receipt(status="suppressed")
        key = message_key(self.context.idempotency_key, channel)
        prepare: dict[Channel, Callable[[str], Send]] = {
            "email": self._prepare_mail,
            "webhook": self._prepare_webhook,
            "sms": self._prepare_sms,
        }
        send = prepare[channel](key)
        rate = parameters.limits.per_second(channel)
        if rate is not None:
            run_bucket(self.context.run_id, channel, rate).take()
        return self.receipts.send_once(key, recipient_digest(self.recipient), send)

    def _prepare_mail(self, key: str) -> Send:
        parameters, server = self.context.parameters, self.settings.smtp
        template = parameters.templates.email
        if server is None or template is None:
            raise PermanentError("the app has no mail server")
        message = compose_mail(self.recipient, template, parameters.sender, key)

        def send() -> Receipt:
            send_mail(message, server, parameters.limits.timeout_seconds)
            return _sent_receipt(str(message["Message-ID"]), SMTP_OK)

        return send

    def _prepare_webhook(self, key: str) -> Send:
        parameters, secret = self.context.parameters, self.settings.webhook_secret
        template = parameters.templates.webhook
        if secret is None or template is None:
            raise PermanentError("the app has no secret to sign webhooks with")
        body = render_json(template.body, self.recipient.fields)

        def send() -> Receipt:
            seconds = parameters.limits.timeout_seconds
            resolver = partial(resolve, timeout_seconds=seconds)
            allow_private = self.settings.allow_private_webhooks
            url = str(self.recipient.webhook)
            target = resolve_target(url, allow_private=allow_private, resolver=resolver)
            status = post_webhook(target, body, header_key(key), secret, seconds)
            return _sent_receipt(header_key(key), status)

        return send

    def _prepare_sms(self, key: str) -> Send:
        parameters, provider = self.context.parameters, self.provider
        template = parameters.templates.sms
        if provider is None or template is None:
            raise PermanentError("the app has no SMS provider")
        text = render(template.text, self.recipient.fields)

        def send() -> Receipt:
            number, sender = str(self.recipient.sms), parameters.sender.sms
            return _sent_receipt(provider.send(number, sender, text, header_key(key)), None)

        return send


def _sent_receipt(message_id: str, code: int | None) -> Receipt:
    return Receipt(status="sent", message_id=message_id, code=code, at=datetime.now(UTC))


def _merge_failures(
    failures: dict[Channel, DeliveryError], receipts: dict[Channel, Receipt]
) -> DeliveryError:
    """Make one error of those of all channels: transient if any is, with the longest wait."""
    results = [f"{channel}: {failure}" for channel, failure in failures.items()]
    results += [f"{channel}: {receipt.status}" for channel, receipt in receipts.items()]
    message = "; ".join(results)
    transient = [f for f in failures.values() if isinstance(f, TransientError)]
    if not transient:
        return _common_kind(failures.values())(message)
    waits = [failure.retry_after for failure in transient if failure.retry_after is not None]
    return TransientError(message, max(waits, default=None))


def _common_kind(failures: Iterable[DeliveryError]) -> type[PermanentError]:
    """The class that says most of all of them: a template's fault is told as such."""
    kinds = (TemplateLimitError, RenderError, PermanentError)
    most_telling = (
        kind for kind in kinds if all(isinstance(failure, kind) for failure in failures)
    )
    return next(most_telling, PermanentError)
