"""Text that any encoder takes."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.printable import describe_error, make_printable, name_type

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


def test_a_class_without_a_name_is_named() -> None:
    class Nameless(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise SystemExit(3)

    class Thing(metaclass=Nameless):
        pass

    assert name_type(Thing()) == "Thing"
    assert name_type(type("", (), {})()) == "(a class without a name)"
