import json

import pytest

from localhost.durable.protocol import round_trip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"$id": "1", "a": {"$id": "2"}}', {"a": {"$id": "2"}}),
        ('{"$type": "T"}', {}),
        ('{"$ref": "1", "a": 1}', None),
        ('{"a": 1, "$id": "1"}', {"a": 1, "$id": "1"}),
        ("[NaN, Infinity]", ["NaN", "Infinity"]),
        ('"\\ud800"', "\ufffd"),
        ('"\\ud83d\\ude00"', "😀"),
    ],
)
def test_what_dotnet_takes_for_its_own_is_lost_from_a_result(text, expected):
    assert json.loads(round_trip.result(text)) == expected


@pytest.mark.parametrize("text", ['{"a": 1e22}', '"text"', "null", '[{"$id": "1"}]'])
def test_other_results_stay_as_they_are(text):
    assert round_trip.result(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AccountKey=abc;x 'and' key=z", "[Hidden Credential]'and' [Hidden Credential]"),
        ("see https://user:pw@host:80/x?code=abc", "see [Hidden Credential]/x[Hidden Credential]"),
        ("PublicKeyToken=null", "PublicKeyToken=null"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_credential_is_hidden_in_a_failure(text, expected):
    assert round_trip.failure(text) == expected
