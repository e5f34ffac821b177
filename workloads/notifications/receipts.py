"""Receipts: what was sent, remembered for each item and channel, so that it is sent once.

A blob for each item and channel, made before the sending (a claim) and replaced after it (the
receipt). Whoever comes second waits for the receipt of the first. If the first dies between sending
and writing its receipt, nobody can know whether it was sent: when its claim has run out, it is sent
again. So this is at least once; it is twice only after such a death, or where sending takes longer
than a claim lasts, and then with the same `Message-ID` or `Idempotency-Key` as before.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from azure.core.exceptions import ResourceNotFoundError
from pydantic import BaseModel, ConfigDict

from fanout.adapters.blob import BlobExistsError
from fanout.errors import PermanentError

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
    """The content of a blob: a claim while `receipt` is None.

    Attributes:
        content: Digest of the item, so that another item of the same id is noticed.
        owner: Who claimed it.
        until: When the claim runs out.
    """

    model_config = ConfigDict(frozen=True)

    content: str
    owner: str
    until: datetime
    receipt: Receipt | None = None


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

    def delete(self, container: str, blob: str) -> None:
        """Delete a blob."""
        ...


def path(run_id: str, key: str) -> str:
    """Where the note of a key is: below the run, with which it is deleted."""
    return f"{run_id}/receipts/{hashlib.sha256(key.encode()).hexdigest()}.json"


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
        """
        blob = path(self.run_id, key)
        until = datetime.now(UTC) + timedelta(seconds=self.claim_seconds)
        claim = Note(content=content, owner=secrets.token_hex(8), until=until)
        found = self._claim(blob, claim)
        if found is not None:
            return found
        try:
            receipt = send()
        except Exception:
            self._release(blob, claim)
            raise
        self._write(blob, claim.model_copy(update={"receipt": receipt}))
        return receipt

    def _claim(self, blob: str, claim: Note) -> Receipt | None:
        """Claim a blob, or wait for the receipt of whoever did."""
        while True:
            try:
                self._write(blob, claim, if_none_match=True)
            except BlobExistsError:
                note = self._read(blob)
            else:
                return None
            if note is None:  # released meanwhile
                continue
            if note.content != claim.content:
                raise PermanentError("another recipient of the source has the same id")
            if note.receipt is not None:
                return note.receipt
            if note.until <= datetime.now(UTC):
                renewed = datetime.now(UTC) + timedelta(seconds=self.claim_seconds)
                self._write(blob, claim.model_copy(update={"until": renewed}))
                return None
            time.sleep(POLL_SECONDS)

    def _release(self, blob: str, claim: Note) -> None:
        note = self._read(blob)
        if note is not None and note.owner == claim.owner:
            self.store.delete(self.container, blob)

    def _read(self, blob: str) -> Note | None:
        try:
            return Note.model_validate_json(self.store.read(self.container, blob))
        except ResourceNotFoundError:
            return None

    def _write(self, blob: str, note: Note, *, if_none_match: bool = False) -> None:
        data = note.model_dump_json().encode()
        self.store.write(
            self.container,
            blob,
            data,
            media_type="application/json",
            if_none_match=if_none_match,
        )
