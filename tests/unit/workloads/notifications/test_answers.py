import pytest

from fanout.errors import PermanentError, TransientError
from workloads.notifications.answers import require_success


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
    "header", ["²", "9" * 5000, f"Mon, 23 Nov {'9' * 30} 12:00:00 GMT", "nan", "\ud800"]
)
def test_no_retry_after_takes_the_place_of_the_answer(header: str):
    with pytest.raises(TransientError, match="answered 503"):
        require_success("it", 503, header)
