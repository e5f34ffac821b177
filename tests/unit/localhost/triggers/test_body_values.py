"""What a message says of itself in its body."""

import pytest

from localhost.triggers.body_values import with_body_values

METADATA = {"Id": "m-1", "PopReceipt": "p"}


@pytest.mark.parametrize("body", ["{broken}", '["id"]', "{}", "plain", "", '"id"'])
def test_a_body_that_is_no_object_says_nothing(body):
    assert with_body_values(METADATA, body) == METADATA


def test_values_are_taken_whatever_the_case_of_their_names_but_for_lists_and_null():
    body = ' {"ID": 7, "popReceipt": null, "x": {"y": 1}, "z": [], "on": true, "n": 1.0} '
    assert with_body_values(METADATA, body) == {
        "Id": "7",
        "PopReceipt": "p",
        "x": {"y": 1},
        "on": "True",
        "n": "1",
    }


def test_a_date_is_what_dotnet_makes_of_it():
    body = '{"expirationTime": "2026-02-01T00:00:00Z"}'
    metadata = {"ExpirationTime": "2026-01-01T00:00:00Z"}
    assert with_body_values(metadata, body) == {"ExpirationTime": "02/01/2026 00:00:00"}
