"""Suppressed addresses, such as those that unsubscribed or bounced: nothing is sent to them."""

from functools import lru_cache

from fanout.adapters.blob import blob_store
from workloads.notifications.parameters import NotificationParameters, SuppressionBlob


def is_suppressed(address: str, parameters: NotificationParameters, run_id: str) -> bool:
    """Tell whether nothing may be sent to an address."""
    folded = address.casefold()
    if any(folded == entry.strip().casefold() for entry in parameters.suppressed):
        return True
    listing = parameters.suppression_list
    return listing is not None and folded in _read_list(run_id, listing)


def parse_list(text: str) -> frozenset[str]:
    """Parse a list: an address a line; empty lines and comments do not count."""
    lines = (line.strip().casefold() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


@lru_cache(maxsize=8)
def _read_list(run_id: str, listing: SuppressionBlob) -> frozenset[str]:
    """Read the list once for a run: later additions count for the next run."""
    return parse_list(blob_store().read(listing.container, listing.blob).decode("utf-8-sig"))
