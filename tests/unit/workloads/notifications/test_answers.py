from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fanout.errors import PermanentError, TransientError
from workloads.notifications.answers import require_success, retry_seconds

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_success(status: int):
    require_success("it", status, None)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 422])
def test_a_refusal_and_a_redirect_are_permanent(status: int):
    with pytest.raises(PermanentError, match=str(status)):
        require_success("it", status, "5")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_transient_and_says_how_long_to_wait(status: int):
    with pytest.raises(TransientError) as raised:
        require_success("it", status, "7")
    assert raised.value.retry_after == 7


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        (" 30 ", 30),
        ("999999999", 3600),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_no_more_than_an_hour(header, seconds):
    assert retry_seconds(header, NOW) == seconds
