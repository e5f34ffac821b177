"""What must be true of the ledgers of orders, whatever happened: read from their rows."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient

from fanout.adapters.tables import Row
from workloads.orders import inventory, shipments, wallet
from workloads.orders.steps import AUTHORISE, CAPTURE, RESERVE, SHIP


class AccountTables:
    """The rows of a real storage account."""

    def __init__(self, connection_string: str) -> None:
        self._service = TableServiceClient.from_connection_string(connection_string)

    def rows(self, table: str) -> Iterable[tuple[str, str, Row]]:
        with contextlib.suppress(ResourceNotFoundError):
            for found in self._service.get_table_client(table).list_entities():
                values = {name: getattr(value, "value", value) for name, value in found.items()}
                yield values.pop("PartitionKey"), values.pop("RowKey"), Row(values, "")


class Readable(Protocol):
    def rows(self, table: str) -> Iterable[tuple[str, str, Row]]: ...


class Books:
    """The ledgers, as they stand."""

    def __init__(self, tables: Readable) -> None:
        self.stock: dict[str, Mapping[str, Any]] = {}
        self.reservations: dict[str, Mapping[str, Any]] = {}
        self.received: Counter[str] = Counter()
        for _, key, row in tables.rows(inventory.TABLE):
            if key.startswith("sku-"):
                self.stock[key.removeprefix("sku-")] = row.values
            elif "kind" not in row.values:
                pass  # all that was asked of it was refused
            elif row.values["kind"] == "receipt":
                self.received.update(json.loads(row.values["pieces"]))
            else:
                self.reservations[row.values["key"]] = row.values
        self.wallets: dict[str, Mapping[str, Any]] = {}
        self.payments: dict[str, Mapping[str, Any]] = {}
        self.entries: dict[str, list[Mapping[str, Any]]] = {}
        for subject, key, row in tables.rows(wallet.TABLE):
            if key == wallet.HEAD:
                self.wallets[subject] = row.values
            elif key.startswith("entry-"):
                self.entries.setdefault(subject, []).append(row.values)
            elif row.values.get("kind") == "payment":
                self.payments[row.values["key"]] = row.values
        self.shipments = {
            row.values["key"]: row.values
            for _, _, row in tables.rows(shipments.TABLE)
            if "state" in row.values
        }

    def insist_on_conservation(self) -> None:
        """Pieces and money are where they were put, and nowhere else."""
        for sku, counts in self.stock.items():
            assert min(counts["on_hand"], counts["reserved"], counts["shipped"]) >= 0, sku
            total = counts["on_hand"] + counts["reserved"] + counts["shipped"]
            assert total == self.received[sku], sku
            for state in ("reserved", "shipped"):
                held = sum(
                    json.loads(one["pieces"]).get(sku, 0)
                    for one in self.reservations.values()
                    if one["state"] == state
                )
                assert held == counts[state], (sku, state)
        for subject, balances in self.wallets.items():
            accounts = {name: Decimal(balances[name]) for name in wallet.ACCOUNTS}
            assert sum(accounts.values()) == 0, subject
            assert min(accounts["available"], accounts["held"], accounts["captured"]) >= 0, subject
            journal = dict.fromkeys(wallet.ACCOUNTS, Decimal(0))
            for entry in self.entries.get(subject, []):
                journal[entry["debit"]] -= Decimal(entry["amount"])
                journal[entry["credit"]] += Decimal(entry["amount"])
            assert journal == accounts, subject

    def insist_on(self, line: Mapping[str, Any], run_id: str) -> None:
        """The ledgers say of an order what its outcome says."""
        status, saga = line["status"], line.get("saga", {})
        suffix = "" if saga.get("take", 1) == 1 else f"/take-{saga['take']}"
        keys = {
            step: f"{run_id}/{line['item_id']}/{step}{suffix}"
            for step in (RESERVE, AUTHORISE, CAPTURE, SHIP)
        }
        reserved = self.reservations.get(keys[RESERVE], {}).get("state")
        paid = self.payments.get(keys[AUTHORISE], {}).get("state")
        sent = self.shipments.get(keys[SHIP], {}).get("state")
        found = (reserved, paid, sent)
        if status == "succeeded":
            assert found == ("shipped", "captured", "created"), line
        elif status in ("failed", "compensated"):
            assert reserved in (None, "released"), line
            assert paid in (None, "voided"), line
            assert sent in (None, "cancelled"), line
        else:
            assert status == "compensation_failed", line
            stuck = saga["undo_failed"]
            # What could not be undone may stand; what was undone does not.
            assert RESERVE in stuck or reserved in (None, "released"), line
            assert AUTHORISE in stuck or paid in (None, "voided"), line
            assert CAPTURE in stuck or paid != "captured", line
            assert SHIP in stuck or sent in (None, "cancelled"), line
