import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localhost.durable.protocol.lenient_json import LenientJsonError, loads

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_json_is_read_as_json(value):
    assert loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 1}", {"a": 1}),
        ("{a: [1, 2,],}", {"a": [1, 2]}),
        ('{"a": \'it\\\'s "so"\'}', {"a": 'it\'s "so"'}),
        ("[NaN, -Infinity, undefined]", ["NaN", "-Infinity", None]),
        ("[true, null, -1.5e3,]", [True, None, -1500.0]),
        ("\ufeff5", 5),
        ("NaN", "NaN"),
    ],
)
def test_some_that_is_nearly_json_is_read_too(text, value):
    assert loads(text) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("text", "Error parsing boolean value. Path '', line 1, position 1."),
        ("nope", "Error parsing null value. Path '', line 1, position 1."),
        (
            "{no",
            "Unexpected end while parsing unquoted property name. Path '', line 1, position 3.",
        ),
        ("1 2", "Additional text encountered after finished reading JSON content: 2. Path ''"),
        ("", "Error reading JToken from JsonReader. Path '', line 0, position 0."),
        ("/* c */ 1", "Unexpected character encountered while parsing value: /"),
        ("[1 2]", "After parsing a value an unexpected character was encountered: 2"),
        ("[1", "Unexpected end when reading JSON"),
        ("'a", "Unterminated string. Expected delimiter: '"),
        ("{-: 1}", "Invalid property identifier character: -"),
        ("1-2", "Input string '1-2' is not a valid number"),
    ],
)
def test_what_cannot_be_read_is_told_in_the_librarys_words(text, problem):
    with pytest.raises(LenientJsonError) as caught:
        loads(text)
    assert str(caught.value).startswith(problem)
