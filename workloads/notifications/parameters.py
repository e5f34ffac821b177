"""The parameters of the workload `notifications`: templates, sender, limits, suppression."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from fanout.models.numbers import MIN_RATE, MIN_SPAN_SECONDS
from fanout.models.source import BlobName, ContainerName
from workloads.notifications.addresses.entries import parse_entry
from workloads.notifications.recipient import MAX_URL_CHARACTERS, Channel, MailAddress

MAX_TEMPLATE_CHARACTERS = 65_536
Template = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE_CHARACTERS)]
SuppressionEntry = Annotated[str, Field(max_length=MAX_URL_CHARACTERS), AfterValidator(parse_entry)]
Rate = Annotated[float, Field(ge=MIN_RATE, le=10_000, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmailTemplate(_Part):
    """A mail.

    Attributes:
        html: The same for readers of HTML; fields are escaped in it.
    """

    subject: Template
    text: Template
    html: Template | None = None


class WebhookTemplate(_Part):
    """A webhook; `body` renders to JSON: write ``{{ name | tojson }}`` for a field."""

    body: Template


class SmsTemplate(_Part):
    """A text message."""

    text: Template


class Templates(_Part):
    """Jinja templates for each channel that is used; a recipient's fields are their variables.

    Each has at most 2,000 texts, names, operators and tags, nested 60 deep, and loops nested 10
    deep; its rendering ends after a bounded amount of work.
    """

    email: EmailTemplate | None = None
    webhook: WebhookTemplate | None = None
    sms: SmsTemplate | None = None


class Sender(_Part):
    """The sender of messages.

    Attributes:
        name: Shown beside the address of a mail.
        sms: Number or name, as the provider takes it.
    """

    email: MailAddress | None = None
    name: Annotated[str, Field(max_length=200)] = ""
    reply_to: MailAddress | None = None
    sms: Annotated[str, Field(max_length=20)] | None = None


class Limits(_Part):
    """Messages per second of one worker process; `concurrency.items_per_second` limits the run.

    Attributes:
        timeout_seconds: How long a message may take, from the connection to the end of the answer;
            for a webhook, to look its host up may take as long again.
    """

    email_per_second: Rate | None = None
    webhook_per_second: Rate | None = None
    sms_per_second: Rate | None = None
    timeout_seconds: Annotated[float, Field(ge=MIN_SPAN_SECONDS, le=60, allow_inf_nan=False)] = 10.0

    def per_second(self, channel: Channel) -> float | None:
        """The rate of a channel; None has no limit."""
        rate: float | None = getattr(self, f"{channel}_per_second")
        return rate


class SuppressionBlob(_Part):
    """A text blob (UTF-8, or UTF-16 with a mark) with an entry a line, as `suppressed` has them.

    Empty lines and comments, which begin with #, do not count.
    """

    container: ContainerName
    blob: BlobName


class NotificationParameters(_Part):
    """The parameters of a run.

    Attributes:
        suppressed: What nothing is sent to: mail addresses, whole domains, phone numbers, URLs.
            It does not matter how they are spelt: here are their keys.
        suppression_list: A blob with more of them.
    """

    templates: Templates
    sender: Sender = Sender()
    limits: Limits = Limits()
    suppressed: Annotated[list[SuppressionEntry], Field(max_length=10_000)] = []
    suppression_list: SuppressionBlob | None = None
