"""What the Functions host makes of JSON values."""

import math

import pytest

from localhost.bindings.json_values import number_text


# What `double.ToString(CultureInfo.InvariantCulture)` gives since .NET Core 3.0.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (100.0, "100"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (1.25e20, "1.25E+20"),
        (5e-324, "5E-324"),
        (1.7976931348623157e308, "1.7976931348623157E+308"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_a_number_is_written_as_by_dotnet(value: float, text: str) -> None:
    assert number_text(value) == text
