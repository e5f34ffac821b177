"""The price table: list prices, each with its unit, region, date and source (`prices.toml`)."""

import tomllib
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

TABLE = Path(__file__).with_name("prices.toml")


class Price(BaseModel):
    """A list price.

    Attributes:
        usd: US dollars for `per` units; None where it is not known.
        per: For how many units it is.
        unit: What is counted.
        region: Where it holds.
        date: When it was last compared.
        source: The page of the vendor that has it.
        note: What else one has to know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: float | None = Field(default=None, ge=0)
    per: int = Field(gt=0)
    unit: str
    region: str
    date: date
    source: str
    note: str = ""

    def of(self, units: float) -> float:
        """What so many units cost, in US dollars.

        Raises:
            UnknownPriceError: The table has no figure.
        """
        if self.usd is None:
            raise UnknownPriceError(
                f"prices.toml says not what one {self.unit} costs ({self.source})"
            )
        return units * self.usd / self.per


class UnknownPriceError(Exception):
    """The price table has no figure for this; the message says where one is found."""


class Prices(BaseModel):
    """The prices of each vendor by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    azure: dict[str, Price]
    aws: dict[str, Price]


@lru_cache(maxsize=1)
def prices() -> Prices:
    """The price table of this app."""
    return parse_prices(tomllib.loads(TABLE.read_text(encoding="utf-8")))


def parse_prices(table: dict[str, Any]) -> Prices:
    """Check a price table.

    Raises:
        ValidationError: A price lacks its unit, region, date or source.
    """
    return Prices.model_validate(table)
