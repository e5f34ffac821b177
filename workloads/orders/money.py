"""Money: decimals in the units of their currency, never floats."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, WithJsonSchema

from workloads.orders.numbers import MAX_NUMBER_CHARACTERS, WRITTEN_NUMBER

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
# A double has as many digits exactly.
MAX_DIGITS = 15
MAX_AMOUNT = 10**MAX_DIGITS - 1
Amount = Annotated[
    Decimal,
    Field(ge=0, le=MAX_AMOUNT, max_digits=MAX_DIGITS, allow_inf_nan=False),
    WRITTEN_NUMBER,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": MAX_AMOUNT},
                {"type": "string", "maxLength": MAX_NUMBER_CHARACTERS},
            ]
        }
    ),
]
# Decimal places of the currencies that do not have two.
# Source: ISO 4217, list one.
_PLACES = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"], 0),
    **dict.fromkeys(["UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


def require_places(field: str, amount: Decimal, currency: str) -> None:
    """Refuse an amount of a field that has more decimal places than its currency.

    Raises:
        ValueError: It has more.
    """
    if amount != _quantize(amount, currency):
        raise ValueError(f"{field}: {amount} has more decimal places than {currency}")


def format_amount(amount: Decimal, currency: str) -> str:
    """Write an amount with the decimal places of its currency: ``"12.50"``."""
    return str(_quantize(amount, currency))


def _quantize(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-_PLACES.get(currency, 2)))
