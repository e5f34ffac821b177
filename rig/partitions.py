"""Which instance has which partition of a task hub: orchestrations of a partition run there."""

import time
from collections import Counter

from azure.data.tables import TableServiceClient

POLL_SECONDS = 0.5


def owners(connection: str, hub: str) -> Counter[str] | None:
    """How many partitions each instance has; None while one of them changes hands."""
    found: Counter[str] = Counter()
    with (
        TableServiceClient.from_connection_string(connection) as service,
        service.get_table_client(f"{hub}Partitions") as table,
    ):
        for row in table.list_entities():
            if row.get("NextOwner") or not row.get("CurrentOwner"):
                return None
            found[str(row["CurrentOwner"])] += 1
    return found


def wait_for_balance(connection: str, hub: str, instances: int, seconds: float = 120) -> None:
    """Wait until so many instances share the partitions evenly."""
    ends = time.monotonic() + seconds
    while not _are_even(shares := owners(connection, hub), instances):
        assert time.monotonic() < ends, f"the partitions are not shared out: {shares}"
        time.sleep(POLL_SECONDS)


def _are_even(shares: Counter[str] | None, instances: int) -> bool:
    if shares is None or len(shares) != instances:
        return False
    return max(shares.values()) - min(shares.values()) <= 1
