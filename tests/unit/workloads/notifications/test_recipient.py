import pytest
from pydantic import ValidationError

from workloads.notifications.recipient import Recipient


@pytest.mark.parametrize(
    "url", ["example.org/hook", "https:/example.org", "jo@example.org", "+4930123456", "", "//h/x"]
)
def test_a_webhook_that_is_no_url_is_refused_by_the_name_of_its_field(url: str):
    with pytest.raises(ValidationError) as caught:
        Recipient(id="1", webhook=url)
    (problem,) = caught.value.errors()
    assert problem["loc"] == ("webhook",)
    assert "https://" in problem["msg"]


@pytest.mark.parametrize("url", ["https://example.org/hook", "HTTP://b\u00fccher.example"])
def test_a_webhook_is_the_url_that_it_came_as(url: str):
    assert Recipient(id="1", webhook=url).webhook == url
