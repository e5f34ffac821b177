"""Suppressed addresses, such as those that unsubscribed or bounced: nothing is sent to them.

An entry that cannot be read may be somebody's who is to get nothing: then nothing is sent at all,
and the entry is named.
"""

import codecs
from functools import lru_cache

from azure.core.exceptions import ResourceNotFoundError

from fanout.adapters.blob import blob_store
from fanout.errors import PermanentError
from workloads.notifications.addresses.entries import (
    SuppressionList,
    keys_of_address,
    parse_list,
)
from workloads.notifications.parameters import NotificationParameters, SuppressionBlob


def is_suppressed(address: str, parameters: NotificationParameters, run_id: str) -> bool:
    """Tell whether nothing may be sent to an address.

    Raises:
        PermanentError: The run's list does not exist or has an entry that cannot be read.
    """
    keys = keys_of_address(address)
    if not keys.isdisjoint(parameters.suppressed):
        return True
    listing = parameters.suppression_list
    if listing is None:
        return False
    entries = _kept_list(run_id, listing)
    if entries.faults:
        message = f"the suppression list '{listing.blob}' cannot be used: {entries.faults[0]}"
        raise PermanentError(message)
    return not keys.isdisjoint(entries.keys)


def read_list(listing: SuppressionBlob) -> SuppressionList:
    """Read a list; one that does not exist or is no text has that for a fault."""
    try:
        data = blob_store().read(listing.container, listing.blob)
    except ResourceNotFoundError:
        return SuppressionList(frozenset(), ("there is no such blob",))
    try:
        is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return parse_list(data.decode("utf-16" if is_utf16 else "utf-8-sig"))
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        fault = f"line {line}: byte 0x{data[error.start]:02x} is not {error.encoding.upper()}"
        return SuppressionList(frozenset(), (fault,))


@lru_cache(maxsize=8)
def _kept_list(run_id: str, listing: SuppressionBlob) -> SuppressionList:
    """Read the list once for a run: later additions count for the next run."""
    return read_list(listing)
