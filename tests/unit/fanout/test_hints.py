import pytest

from fanout.hints import MAX_NAME_CHARACTERS, did_you_mean, shorten_name, similar_names

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


def test_a_name_as_long_as_a_book_is_compared_with_none():
    book = "n" * 200_000
    assert similar_names(book, [book[:-1] + "m"]) == []
    assert similar_names("delay", [book, "delais"]) == ["delais"]
    assert len(shorten_name(book)) == MAX_NAME_CHARACTERS + 1
