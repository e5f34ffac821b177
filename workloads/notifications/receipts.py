"""Receipts: a record of each message that was sent, so that it is sent once.

Each try to send has a note: a blob, numbered from 0. Whoever creates the blob may send; others that
come at the same time wait for the result in the note. If a worker dies between sending and writing
the result, nobody can know whether the message was sent: when its claim has expired, the next
number may be claimed and the message is sent again. So delivery is at least once. A message is sent
twice only after such a death, after a connection that broke before the response, or where sending
takes longer than a claim lasts or storage takes no result for so long, or where its note was
damaged; and then with the same `Message-ID` or `Idempotency-Key`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from fanout.adapters.blob import BlobExistsError
from fanout.adapters.digests import DocumentReader, DocumentWriter, read_stored, write_stored
from fanout.adapters.infrastructure import is_infrastructure
from fanout.adapters.telemetry.logs import logger
from fanout.errors import (
    PermanentError,
    TransientError,
    UnknownVersionError,
    UnreadableDocumentError,
)
from workloads.notifications.keys import receipt_path

CLAIM_SECONDS = 90.0
POLL_SECONDS = 0.1
RETRY_SECONDS = 1.0
log = logger("receipts")


class Receipt(BaseModel):
    """The result of a message.

    Attributes:
        message_id: The mail's `Message-ID`, the webhook's `Idempotency-Key`, the provider's id.
        code: The status code of the response, where it has one.
        at: When it was sent.
    """

    model_config = ConfigDict(frozen=True)

    status: Literal["sent", "suppressed"]
    message_id: str | None = None
    code: int | None = None
    at: AwareDatetime | None = None


class Note(BaseModel):
    """The content of a blob: a claim, until it has a receipt or sending failed.

    Attributes:
        content: Digest of the item: shows that another item has the same id.
        until: When the claim expires.
        has_failed: Whether sending failed.
        not_before: The earliest time of the next try, if the other side asked us to wait.
    """

    model_config = ConfigDict(frozen=True)

    content: str
    until: AwareDatetime
    receipt: Receipt | None = None
    has_failed: bool = False
    not_before: AwareDatetime | None = None


class Store(DocumentReader, DocumentWriter, Protocol):
    """The part of `fanout.adapters.blob.BlobStore` that receipts use."""


@dataclass(frozen=True)
class Receipts:
    """The receipts of a run."""

    store: Store
    container: str
    run_id: str
    claim_seconds: float = CLAIM_SECONDS

    def send_once(self, key: str, content: str, send: Callable[[], Receipt]) -> Receipt:
        """Send a message unless it was sent before, and return its receipt.

        Args:
            key: The idempotency key of the message.
            content: Digest of the item.
            send: Sends the message; after an error, which is raised again, the next caller may try.

        Raises:
            PermanentError: The key was used for another content.
            TransientError: The other side asked an earlier caller to wait, and that is not over.
        """
        for number in count():
            blob = receipt_path(self.run_id, key, number)
            claim = Note(content=content, until=_seconds_from_now(self.claim_seconds))
            if self._try_to_claim(blob, claim):
                return self._send_and_note(blob, claim, send)
            receipt = self._wait_for_receipt(blob, content)
            if receipt is not None:
                return receipt
        raise AssertionError("numbers do not end")

    def _try_to_claim(self, blob: str, claim: Note) -> bool:
        try:
            self._write(blob, claim, if_none_match=True)
        except BlobExistsError:
            return False
        return True

    def _send_and_note(self, blob: str, claim: Note, send: Callable[[], Receipt]) -> Receipt:
        try:
            receipt = send()
        except Exception as error:
            wait = error.retry_after if isinstance(error, TransientError) else None
            not_before = None if wait is None else _seconds_from_now(wait)
            failure = claim.model_copy(update={"has_failed": True, "not_before": not_before})
            self._write_patiently(blob, failure)
            raise
        self._write_patiently(blob, claim.model_copy(update={"receipt": receipt}))
        return receipt

    def _write_patiently(self, blob: str, note: Note) -> None:
        """Write what sending came to; while storage is away, for as long as the claim holds.

        Whoever comes meanwhile waits for it, and would send again if it did not come.
        """
        while not self._is_written(blob, note):
            time.sleep(RETRY_SECONDS)

    def _is_written(self, blob: str, note: Note) -> bool:
        try:
            self._write(blob, note)
        except Exception as error:
            if not is_infrastructure(error) or datetime.now(UTC) >= note.until:
                raise
            return False
        return True

    def _wait_for_receipt(self, blob: str, content: str) -> Receipt | None:
        """Wait for the receipt of a note; None if there will be none: the next may be claimed."""
        while True:
            note = self._find_note(blob)
            if note is None:
                return None
            if note.content != content:
                raise PermanentError("another recipient of the source has the same id")
            if note.receipt is not None:
                return note.receipt
            now = datetime.now(UTC)
            if note.has_failed:
                if note.not_before is not None and note.not_before > now:
                    seconds = (note.not_before - now).total_seconds()
                    raise TransientError("the other side asked us to wait", seconds)
                return None
            if note.until <= now:
                return None
            time.sleep(POLL_SECONDS)

    def _find_note(self, blob: str) -> Note | None:
        """Read a note; None where it is damaged: as little is known as after a death.

        Raises:
            UnknownVersionError: Another version of the app has written it.
        """
        try:
            return read_stored(self.store, self.container, Note, blob)
        except UnknownVersionError:
            raise
        except UnreadableDocumentError as error:
            log.warning("may send a message again: %s", error)
            return None

    def _write(self, blob: str, note: Note, *, if_none_match: bool = False) -> None:
        write_stored(self.store, self.container, blob, note, if_none_match=if_none_match)


def _seconds_from_now(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
