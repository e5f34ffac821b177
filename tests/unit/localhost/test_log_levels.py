"""The levels of host.json, by category."""

import logging
from typing import Any

import pytest

from localhost.log_levels import CONSOLE, LogLevels

NONE = logging.CRITICAL + 50


def _levels(**section: Any) -> LogLevels:
    return LogLevels.from_host_json({"logging": {"logLevel": section}})


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({}, logging.INFO),
        ({"default": "Warning"}, logging.WARNING),
        ({"Default": "warning"}, logging.WARNING),
        ({"default": "Warning", "Function": "Debug"}, logging.DEBUG),
        ({"Function": "Debug", "Function.tick": "Error"}, logging.ERROR),
        ({"Function.tick.User": "Trace", "Function.tick": "Error"}, 0),
        ({"function.TICK.user": "Critical"}, logging.CRITICAL),
        # A name is what a category begins with, not a part between dots.
        ({"Function.t": "Warning"}, logging.WARNING),
        ({"Function.tock": "Warning"}, logging.INFO),
        ({"Function.*.User": "Debug", "Function": "Error"}, logging.DEBUG),
        ({"Host": "Error"}, logging.INFO),
        ({"Function": "None"}, NONE),
        ({"Function": 3}, logging.WARNING),
        ({"Function": ""}, logging.INFO),
    ],
)
def test_the_longest_name_that_fits_says_how_much_a_function_logs(
    section: dict[str, Any], expected: int
) -> None:
    assert _levels(**section).of_function("tick") == expected


def test_what_is_printed_has_a_category_of_its_own() -> None:
    assert _levels(Function="Error").of_category(CONSOLE) == logging.INFO
    assert _levels(**{"Host.Function": "Error"}).of_category(CONSOLE) == logging.ERROR
    assert _levels(default="Warning").of_category(CONSOLE) == logging.WARNING


@pytest.mark.parametrize("host_json", [{}, {"logging": None}, {"logging": {"logLevel": None}}])
def test_without_a_section_information_is_shown(host_json: dict[str, Any]) -> None:
    assert LogLevels.from_host_json(host_json).of_function("tick") == logging.INFO


def test_a_level_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="'Function' has the level 'loud'"):
        _levels(Function="loud")
