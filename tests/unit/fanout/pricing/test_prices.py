import copy
import tomllib
from datetime import date

import pytest
from pydantic import ValidationError

from fanout.pricing.prices import TABLE, UnknownPriceError, parse_prices, prices


def table() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads(TABLE.read_text())


def test_each_price_says_of_what_where_when_and_by_whom():
    named = [*prices().azure.values(), *prices().aws.values()]
    assert len(named) == 25
    for price in named:
        assert price.unit
        assert price.region
        assert date(2025, 1, 1) < price.date
        host = price.source.split("/")[2]
        assert host in ("azure.microsoft.com", "aws.amazon.com")


@pytest.mark.parametrize("field", ["per", "unit", "region", "date", "source"])
def test_a_price_without_one_of_these_is_refused(field: str):
    incomplete = copy.deepcopy(table())
    del incomplete["azure"]["execution"][field]
    with pytest.raises(ValidationError, match=rf"azure\.execution\.{field}"):
        parse_prices(incomplete)


def test_a_price_is_for_so_many_units():
    assert prices().azure["execution"].of(2_500_000) == pytest.approx(1.0)
    assert prices().aws["state_transition"].of(4_000) == pytest.approx(0.1)


def test_a_price_that_nobody_knows_is_not_taken_for_nothing():
    with pytest.raises(UnknownPriceError, match="what one action costs"):
        prices().azure["scheduler_action"].of(1)
