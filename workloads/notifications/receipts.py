"""Receipts: what was sent, remembered for each item and channel, so that it is sent once.

Each try to send is a note, a blob numbered from 0 whose conditional creation is the right to send:
of several that come at once one sends, and the others wait for what its note then says. If it dies
between sending and noting that, nobody can know whether it was sent: when its claim has run out,
the next number is up for claiming, and it is sent again. So this is at least once; it is twice only
after such a death, after a connection that broke before the answer, or where sending takes longer
than a claim lasts, and then with the same `Message-ID` or `Idempotency-Key` as before.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from fanout.adapters.blob import BlobExistsError
from fanout.errors import PermanentError, TransientError

CLAIM_SECONDS = 90.0
POLL_SECONDS = 0.1


class Receipt(BaseModel):
    """What became of a message.

    Attributes:
        message_id: The mail's `Message-ID`, the webhook's `Idempotency-Key`, the provider's id.
        code: What the other side answered, where that is a number.
        at: When it was handed over.
    """

    model_config = ConfigDict(frozen=True)

    status: Literal["sent", "suppressed"]
    message_id: str | None = None
    code: int | None = None
    at: datetime | None = None


class Note(BaseModel):
    """The content of a blob: a claim until it has a receipt or was given up.

    Attributes:
        content: Digest of the item, so that another item of the same id is noticed.
        until: When the claim runs out.
        has_failed: Whether sending failed.
        not_before: Until when the other side then asked to be left alone.
    """

    model_config = ConfigDict(frozen=True)

    content: str
    until: datetime
    receipt: Receipt | None = None
    has_failed: bool = False
    not_before: datetime | None = None


class Store(Protocol):
    """What is asked of `fanout.adapters.blob.BlobStore`."""

    def read(self, container: str, blob: str) -> bytes:
        """Read a blob."""
        ...

    def write(
        self, container: str, blob: str, data: bytes, *, media_type: str, if_none_match: bool
    ) -> None:
        """Write a blob."""
        ...


def path(run_id: str, key: str, number: int) -> str:
    """Where a note of a key is: below the run, with which it is deleted."""
    return f"{run_id}/receipts/{hashlib.sha256(key.encode()).hexdigest()}/{number:04d}.json"


@dataclass(frozen=True)
class Receipts:
    """The receipts of a run."""

    store: Store
    container: str
    run_id: str
    claim_seconds: float = CLAIM_SECONDS

    def once(self, key: str, content: str, send: Callable[[], Receipt]) -> Receipt:
        """Send, unless that was done, and return the receipt.

        Args:
            key: Of the item and channel.
            content: Digest of the item.
            send: Does it; what it raises goes on, and the next who asks may send.

        Raises:
            PermanentError: The key was used for another content.
            TransientError: The other side asked another one of us to wait, and that is not over.
        """
        for number in count():
            blob = path(self.run_id, key, number)
            claim = Note(content=content, until=_after(self.claim_seconds))
            if self._claim(blob, claim):
                return self._send(blob, claim, send)
            receipt = self._receipt(blob, content)
            if receipt is not None:
                return receipt
        raise AssertionError("numbers do not end")

    def _claim(self, blob: str, claim: Note) -> bool:
        try:
            self._write(blob, claim, if_none_match=True)
        except BlobExistsError:
            return False
        return True

    def _send(self, blob: str, claim: Note, send: Callable[[], Receipt]) -> Receipt:
        try:
            receipt = send()
        except Exception as error:
            wait = error.retry_after if isinstance(error, TransientError) else None
            until = None if wait is None else _after(wait)
            failed = claim.model_copy(update={"has_failed": True, "not_before": until})
            self._write(blob, failed)
            raise
        self._write(blob, claim.model_copy(update={"receipt": receipt}))
        return receipt

    def _receipt(self, blob: str, content: str) -> Receipt | None:
        """Wait for what a note comes to; None if it came to nothing and the next may be claimed."""
        while True:
            note = Note.model_validate_json(self.store.read(self.container, blob))
            if note.content != content:
                raise PermanentError("another recipient of the source has the same id")
            if note.receipt is not None:
                return note.receipt
            now = datetime.now(UTC)
            if note.has_failed:
                if note.not_before is not None and note.not_before > now:
                    left = (note.not_before - now).total_seconds()
                    raise TransientError("the other side asked us to wait", left)
                return None
            if note.until <= now:
                return None
            time.sleep(POLL_SECONDS)

    def _write(self, blob: str, note: Note, *, if_none_match: bool = False) -> None:
        self.store.write(
            self.container,
            blob,
            note.model_dump_json().encode(),
            media_type="application/json",
            if_none_match=if_none_match,
        )


def _after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
