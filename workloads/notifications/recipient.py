"""An item of the workload `notifications`: a recipient, with addresses and template fields."""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Channel = Literal["email", "webhook", "sms"]
CHANNELS: tuple[Channel, ...] = ("email", "webhook", "sms")
MAX_ADDRESS_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
MAX_URL_CHARACTERS = 2048
_FORBIDDEN_CHARACTERS = re.compile(r"[\s\x00-\x1f\x7f<>,;:\"()\[\]\\]")


def _check_mail_address(text: str) -> str:
    """Accept a plain `local@domain`: without quotes and spaces it cannot inject a header."""
    if not _is_plain_address(text):
        raise ValueError("it is no mail address of the form name@domain.tld")
    try:
        Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ValueError(f"it is no mail address: {error}") from None
    return text


def _is_plain_address(text: str) -> bool:
    local, separator, domain = text.rpartition("@")
    has_both_parts = bool(local and separator and "." in domain.strip("."))
    return has_both_parts and "@" not in local and not _FORBIDDEN_CHARACTERS.search(text)


MailAddress = Annotated[
    str, Field(max_length=MAX_ADDRESS_CHARACTERS), AfterValidator(_check_mail_address)
]


class Recipient(BaseModel):
    """A recipient: it is notified over every channel that it has an address for.

    Attributes:
        id: Unique in the source; receipts are kept under it.
        sms: Phone number in the form of E.164: ``+4930123456``.
        fields: The variables of templates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    email: MailAddress | None = None
    webhook: Annotated[str, Field(max_length=MAX_URL_CHARACTERS)] | None = None
    sms: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{5,14}$")] | None = None
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
