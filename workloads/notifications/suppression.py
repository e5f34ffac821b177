"""Who is not to be told: addresses that asked for no more, or that bounced."""

from functools import lru_cache

from fanout.adapters.blob import blob_store
from workloads.notifications.parameters import NotificationParameters, SuppressionBlob


def is_suppressed(address: str, parameters: NotificationParameters, run_id: str) -> bool:
    """Tell whether nothing may be sent to an address."""
    folded = address.casefold()
    if any(folded == listed.strip().casefold() for listed in parameters.suppressed):
        return True
    listing = parameters.suppression_list
    return listing is not None and folded in _listed(run_id, listing)


def parse(text: str) -> frozenset[str]:
    """Read a list: an address a line, empty lines and comments aside."""
    lines = (line.strip().casefold() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


@lru_cache(maxsize=8)
def _listed(run_id: str, listing: SuppressionBlob) -> frozenset[str]:
    """Read the list once for a run: what is added meanwhile is for the next."""
    return parse(blob_store().read(listing.container, listing.blob).decode("utf-8-sig"))
