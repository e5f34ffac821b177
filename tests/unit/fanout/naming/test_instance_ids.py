import pytest

from fanout.naming.instance_ids import is_run_id


@pytest.mark.parametrize("text", ["a", "nightly-2026.11_1", "x" * 100, "..a"])
def test_a_run_id_is_of_letters_digits_and_three_signs(text: str):
    assert is_run_id(text)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "...", "a/b", "../a", "a\n", "\na", "a b", "é", "a%2F", "x" * 101, "~a"]
)
def test_nothing_else_names_a_run(text: str):
    assert not is_run_id(text)
