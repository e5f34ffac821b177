"""The figures of `docs/costs.md`, worked out by the code; `python -m bench costs` writes them."""

import re
from dataclasses import dataclass
from pathlib import Path

from fanout.models.usage import RunUsage, Usage
from fanout.pricing.forecast import EXPECTED, WORST, Forecast, Job, Scheme
from fanout.pricing.prices import Price, prices
from fanout.pricing.report import report_usage

PAGE = Path(__file__).parents[1] / "docs" / "costs.md"
SIZES = (1_000, 100_000, 1_000_000, 100_000_000)
LINE_BYTES = 150
SECTION = re.compile(r"(<!-- (\w+): begin -->\n).*?(<!-- \2: end -->)", re.S)
SIGNIFICANT = 3


@dataclass(frozen=True)
class WorkedJob:
    """A job of which the page tells what it costs."""

    items: int
    item_seconds: float
    scheme: Scheme

    @property
    def usage(self) -> Usage:
        """What it uses, by the forecast."""
        source_bytes = LINE_BYTES * self.items
        job = Job(self.items, source_bytes=source_bytes, item_seconds=self.item_seconds)
        return Forecast(job, self.scheme).usage

    @property
    def report(self) -> RunUsage:
        """The same with what it costs."""
        return report_usage(self.usage, self.items)


def dollars(amount: float) -> str:
    """An amount in three significant digits, cents where it is larger than that."""
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.{SIGNIFICANT}g}"


def size_table(item_seconds: float, scheme: Scheme) -> str:
    """What each size takes, beside what AWS would charge."""
    rows = [
        "| items | activities | billed seconds | storage operations | messages | Fanout, USD |"
        " AWS Standard, USD | AWS Express, USD |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for items in SIZES:
        seen = WorkedJob(items, item_seconds, scheme).report
        rows.append(
            f"| {items:,} | {seen.activities:,} | {seen.billed_seconds:,.0f} |"
            f" {seen.storage_operations.total:,} | {seen.messages:,} | {dollars(seen.usd.total)} |"
            f" {dollars(seen.aws_usd.standard)} | {dollars(seen.aws_usd.express)} |"
        )
    return "\n".join(rows) + "\n"


def part_table() -> str:
    """What the parts of the bill come to for a million items."""
    cost = WorkedJob(1_000_000, 0.001, EXPECTED).report.usd
    rows = ["| part | USD |", "|---|---|"]
    rows += [
        f"| `{part}` | {dollars(getattr(cost, part))} |"
        for part in ("executions", "compute", "storage", "task_hub", "total")
    ]
    return "\n".join(rows) + "\n"


def price_table() -> str:
    """The price table itself."""
    rows = ["| price | USD | for | region | looked at | source |", "|---|---|---|---|---|---|"]
    for vendor, named in (("azure", prices().azure), ("aws", prices().aws)):
        rows += [_price_row(f"{vendor}.{name}", price) for name, price in named.items()]
    return "\n".join(rows) + "\n"


def _price_row(name: str, price: Price) -> str:
    usd = "not known" if price.usd is None else f"{price.usd:.10f}".rstrip("0").rstrip(".")
    units = f"{price.per:,} {price.unit}{'s' if price.per > 1 else ''}"
    return f"| `{name}` | {usd} | {units} | {price.region} | {price.date} | <{price.source}> |"


def sections() -> dict[str, str]:
    """What stands between the markers of the page."""
    return {
        "fast": size_table(0.001, EXPECTED),
        "slow": size_table(1.0, WORST),
        "parts": part_table(),
        "prices": price_table(),
    }


def render(page: str) -> str:
    """A page with its figures worked out anew."""
    made = sections()
    return SECTION.sub(lambda found: found[1] + made[found[2]] + found[3], page)


def main() -> None:
    """Write the figures into the page."""
    PAGE.write_text(render(PAGE.read_text()))
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
