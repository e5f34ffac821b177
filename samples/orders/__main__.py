"""`python -m samples.orders FOLDER`: write orders.jsonl and receipts.jsonl there."""

import argparse
from pathlib import Path

from samples.orders import ORDERS, make_orders, write_lines


def main() -> None:
    """Write the sample."""
    parser = argparse.ArgumentParser(prog="python -m samples.orders", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, default=ORDERS, help=f"how many (default {ORDERS})")
    parsed = parser.parse_args()
    parsed.folder.mkdir(parents=True, exist_ok=True)
    sample = make_orders(parsed.orders)
    write_lines(sample.orders, parsed.folder / "orders.jsonl")
    write_lines(sample.receipts, parsed.folder / "receipts.jsonl")


if __name__ == "__main__":
    main()
