import pytest

from workloads.notifications.addresses.phones import parse_number


@pytest.mark.parametrize(
    "spelling",
    [
        "+4930123456",
        "＋４９３０１２３４５６",
        "+٤٩٣٠١٢٣٤٥٦",
        "+۴۹۳۰۱۲۳۴۵۶",
        "+49 30 123456",
        "+49\u00a030\u2011123\u2013456",
        "+49 (30) 123.456",
        "+49-30-123-456",
    ],
)
def test_every_spelling_of_a_number_has_one_form(spelling: str):
    assert parse_number(spelling) == "+4930123456"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "030123456",
        "0049 30 123456",
        "+49 (0)30 123456",
        "+49 （0）30 123456",
        "+0930123456",
        "+4930123456x7",
        "+4930123456\x00",
        "+1234",
        "+1234567890123456",
        "+²²²²²²²²",
        "+½½½½½½½½",
        "+49301234५६\ud800",
    ],
)
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(ValueError, match="no phone number"):
        parse_number(text)
