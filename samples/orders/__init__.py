"""Orders made by the generator of the TPC-H benchmark, and stock and money for them.

The generator is a program that the package `tpchgen-cli` installs; the same scale always gives the
same rows.
"""

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

PROGRAM = "tpchgen-cli"
SCALE = "0.01"
TABLES = "customer,nation,orders,lineitem"
ORDERS = 5_000
CURRENCY = "USD"
# Some articles run short, and some customers out of money, so that some orders fail.
SHORT_EVERY, SHORT_SHARE = 60, Decimal("0.8")
POOR_EVERY, POOR_SHARE = 25, Decimal("0.5")
LIMITED_EVERY, LIMIT = 40, Decimal("200000.00")

Row = dict[str, str]


class MissingGeneratorError(Exception):
    """The generator is not installed, or does not run."""


@dataclass(frozen=True)
class OrderSample:
    """Orders, and the receipts that fill the ledgers before them; both as items of a run."""

    orders: list[dict[str, Any]]
    receipts: list[dict[str, Any]]


def make_orders(count: int = ORDERS) -> OrderSample:
    """Make so many orders, the first of the generator's 15,000, and receipts for them.

    Raises:
        MissingGeneratorError: The generator is not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder)
        _generate(tables)
        orders = list(_orders(tables, count))
    return OrderSample(orders, [*_goods(orders), *_deposits(orders)])


def write_lines(items: list[dict[str, Any]], path: Path) -> None:
    """Write items as JSON lines."""
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


def _generate(folder: Path) -> None:
    sibling = Path(sys.executable).with_name(PROGRAM)
    program = str(sibling) if sibling.is_file() else shutil.which(PROGRAM)
    if program is None:
        raise MissingGeneratorError(
            f"{PROGRAM} is not installed. Run 'make setup', or: "
            "pip install --no-deps -r requirements-samples.txt"
        )
    command = [program, "csv", "-s", SCALE, "--tables", TABLES, "--output-dir", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingGeneratorError(f"{PROGRAM} does not run: {error}") from error


def _rows(folder: Path, table: str) -> Iterator[Row]:
    with (folder / f"{table}.csv").open(newline="") as file:
        yield from csv.DictReader(file)


def _orders(folder: Path, count: int) -> Iterator[dict[str, Any]]:
    nations = {row["n_nationkey"]: row["n_name"].title() for row in _rows(folder, "nation")}
    customers = {row["c_custkey"]: row for row in _rows(folder, "customer")}
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in _rows(folder, "lineitem"):
        lines[line["l_orderkey"]].append(line)
    for _, order in zip(range(count), _rows(folder, "orders"), strict=False):
        customer = customers[order["o_custkey"]]
        yield {
            "id": f"order-{order['o_orderkey']}",
            "customer": _customer_id(order["o_custkey"]),
            "currency": CURRENCY,
            "lines": [_order_line(line) for line in lines[order["o_orderkey"]]],
            "address": {
                "name": customer["c_name"],
                "street": customer["c_address"],
                "country": nations[customer["c_nationkey"]],
            },
        }


def _order_line(line: Row) -> dict[str, Any]:
    quantity = int(line["l_quantity"])
    price = (Decimal(line["l_extendedprice"]) / quantity).quantize(Decimal("0.01"))
    return {"sku": f"part-{line['l_partkey']}", "quantity": quantity, "unit_price": str(price)}


def _customer_id(key: str) -> str:
    return f"customer-{key}"


def _goods(orders: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    quantities: Counter[str] = Counter()
    for order in orders:
        for line in order["lines"]:
            quantities[line["sku"]] += line["quantity"]
    for number, (sku, ordered) in enumerate(sorted(quantities.items())):
        share = SHORT_SHARE if number % SHORT_EVERY == 0 else Decimal(1)
        quantity = max(1, int(ordered * share))
        yield {"kind": "goods", "id": f"goods-{sku}", "sku": sku, "quantity": quantity}


def _deposits(orders: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        for line in order["lines"]:
            amounts[order["customer"]] += line["quantity"] * Decimal(line["unit_price"])
    for number, (customer, amount) in enumerate(sorted(amounts.items())):
        share = POOR_SHARE if number % POOR_EVERY == 0 else Decimal(1)
        deposit = {
            "kind": "deposit",
            "id": f"deposit-{customer}",
            "customer": customer,
            "currency": CURRENCY,
            "amount": str((amount * share).quantize(Decimal("0.01"))),
        }
        yield deposit | ({"limit": str(LIMIT)} if number % LIMITED_EVERY == 1 else {})
