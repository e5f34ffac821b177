"""Which messages a value stands for, as the Functions host has it."""

import pytest

from localhost.bindings.texts import split_messages


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ("plain", ["plain"]),
        ("", [""]),
        (" [1 ", [" [1 "]),
        (b'["a"]', [b'["a"]']),
        (['["a"]', "b"], ['["a"]', "b"]),
        (' ["a", 1.5, false, null] ', ["a", "1.5", "False", ""]),
        ("[]", []),
        ('[{"a": {}}, [1, []]]', ['{\n  "a": {}\n}', "[\n  1,\n  []\n]"]),
        ('{"ä":"ö"}', ['{\n  "ä": "ö"\n}']),
    ],
)
def test_a_value_is_one_message_or_as_many_as_its_array_has(value, messages):
    assert split_messages(value) == messages


@pytest.mark.parametrize("text", ["{a}", "[1,]", "[" * 100_000 + "]" * 100_000])
def test_what_looks_like_json_and_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="begins and ends like JSON and is none"):
        split_messages(text)
