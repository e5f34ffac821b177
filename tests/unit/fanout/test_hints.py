import pytest

from fanout.hints import did_you_mean, similar_names

COLUMNS = ["carrier", "dep_delay", "arr_delay", "Größe"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("carier", "; did you mean 'carrier'?"),
        ("CARRIER", "; did you mean 'carrier'?"),
        ("größe", "; did you mean 'Größe'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_a_hint_names_what_is_written_much_alike_and_nothing_else(name: str, hint: str):
    assert did_you_mean(name, COLUMNS) == hint


def test_the_nearest_comes_first():
    assert similar_names("ar_delay", COLUMNS) == ["arr_delay", "dep_delay"]
    assert similar_names("carier", []) == []
