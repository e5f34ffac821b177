import json

from hypothesis import given
from hypothesis import strategies as st

from localhost.durable.storage import payloads


@given(st.text(), st.integers(0, 3))
def test_markers_are_put_back_as_the_text_they_stand_for(text, repeats):
    long = text + "\0é" * (payloads.HOT_LIMIT if repeats else 0)
    kept = payloads.Payloads()
    literal = f'{{"Result":{kept.literal(long)}}}'
    assert payloads.references(literal) == set(kept.texts)
    assert json.loads(payloads.join(literal, kept.texts)) == {"Result": long}
    assert set(json.loads(payloads.blank(literal))) == {"Result"}
