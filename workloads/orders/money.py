"""Money: decimals in the units of their currency, never floats."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=15, allow_inf_nan=False)]
# Decimal places of currencies that have not two.
# Source: ISO 4217, list one.
_PLACES = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"], 0),
    **dict.fromkeys(["UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def has_places_of(amount: Decimal, currency: str) -> bool:
    """Tell whether an amount has no more decimal places than its currency."""
    return amount == amount.quantize(_unit(currency))


def text(amount: Decimal, currency: str) -> str:
    """Write an amount with the decimal places of its currency: ``"12.50"``."""
    return str(amount.quantize(_unit(currency)))


def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-_PLACES.get(currency, 2))
