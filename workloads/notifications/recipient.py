"""An item of the workload `notifications`: a recipient, with addresses and template fields."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from workloads.notifications.addresses.mailboxes import parse_mailbox
from workloads.notifications.addresses.phones import NUMBER_PATTERN, parse_number

Channel = Literal["email", "webhook", "sms"]
CHANNELS: tuple[Channel, ...] = ("email", "webhook", "sms")
MAX_ADDRESS_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
MAX_URL_CHARACTERS = 2048
_URL_START = re.compile("https?://", re.IGNORECASE)


def _check_mail_address(text: str) -> str:
    """Accept a plain `local@domain`: without quotes and spaces it cannot inject a header."""
    parse_mailbox(text)
    return text


def _normalise_number(value: Any) -> Any:
    """Write a number in the form of E.164; what is none is left for the pattern to refuse."""
    try:
        return parse_number(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _check_url(text: str) -> str:
    """Accept what looks like a URL; where it leads is checked when it is sent to."""
    if not _URL_START.match(text):
        raise ValueError("a webhook's URL begins with https:// or http://")
    return text


MailAddress = Annotated[
    str, Field(max_length=MAX_ADDRESS_CHARACTERS), AfterValidator(_check_mail_address)
]
WebhookUrl = Annotated[str, Field(max_length=MAX_URL_CHARACTERS), AfterValidator(_check_url)]
PhoneNumber = Annotated[str, Field(pattern=NUMBER_PATTERN), BeforeValidator(_normalise_number)]


class Recipient(BaseModel):
    """A recipient: it is notified over every channel that it has an address for.

    Attributes:
        id: Unique in the source; receipts are kept under it.
        sms: Phone number in the form of E.164, ``+4930123456``; digits of other scripts and what
            stands between them are written so.
        fields: The variables of templates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    email: MailAddress | None = None
    webhook: WebhookUrl | None = None
    sms: PhoneNumber | None = None
    fields: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _require_channel(self) -> "Recipient":
        if next(self.channels(), None) is None:
            raise ValueError("it has no address: give an email, a webhook or an sms")
        return self

    def channels(self) -> Iterator[tuple[Channel, str]]:
        """Yield the channels with their addresses."""
        for channel in CHANNELS:
            address = getattr(self, channel)
            if address is not None:
                yield channel, address
