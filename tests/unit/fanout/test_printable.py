"""Text that any encoder takes."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.printable import describe_error, make_printable

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_any_text_can_be_encoded_and_sound_text_stays(text: str) -> None:
    printable = make_printable(text)
    printable.encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert printable == text


def test_a_surrogate_is_shown_as_its_escape() -> None:
    assert make_printable("caf\udce9") == "caf\\udce9"


def test_an_error_without_a_text_is_named() -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise SystemExit(3)

    assert describe_error(ValueError("caf\udce9")) == "caf\\udce9"
    assert describe_error(UnprintableError()) == "(its text cannot be made: SystemExit)"
