"""What works expressions out does as Azure does, and refuses what it does not know."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.bicep import Expression, read_bicep
from tests.support.bicep_values import UnknownExpressionError, worth

GIVEN = {"text": "a, b", "no": False, "list": ["b", "a", "b"], "group.id": "id"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("split(replace(text, ' ', ''), ',')", ["a", "b"]),
        ("union(list, list)", ["b", "a"]),
        ("filter(list, each => !empty(each) && !contains(each, 'a'))", ["b", "b"]),
        ("[for each in list: '${each}-']", ["b-", "a-", "b-"]),
        ("no ? 'x' : ' ${group.id} ${no ? 'y' : 'z'}'", " id z"),
        ("no || !no", True),
        ("no && unknown", False),
        ('json(\'{"a":"${text}"}\')', {"a": "a, b"}),
        ("union(json('{\"a\":1}'), json('{\"a\":2}'))", {"a": 2}),
    ],
)
def test_expressions_come_to_what_they_say(text: str, value: Any, tmp_path: Path):
    file = tmp_path / "empty.bicep"
    file.write_text("")
    assert worth(read_bicep(file), Expression(text), GIVEN) == value


@pytest.mark.parametrize("text", ["unknown", "utcNow()", "-1", "1 + 2", "no == text"])
def test_what_is_not_known_is_refused(text: str, tmp_path: Path):
    file = tmp_path / "empty.bicep"
    file.write_text("")
    with pytest.raises(UnknownExpressionError):
        worth(read_bicep(file), Expression(text), GIVEN)
