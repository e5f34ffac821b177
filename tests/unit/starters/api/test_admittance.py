import json

import azure.functions as func
import pytest

from fanout.adapters.settings import settings
from starters.api import endpoints
from starters.api.admittance import refusal
from tests.support.hosts.principals import principal


def call(**headers: str) -> func.HttpRequest:
    return func.HttpRequest("GET", "http://x/api/runs", body=b"", headers=headers)


def detail(response: func.HttpResponse | None) -> str:
    assert response is not None
    return str(json.loads(response.get_body())["detail"])


def test_without_sign_in_what_a_caller_says_of_themselves_is_not_read():
    assert refusal(endpoints.DELETE_RUN, call(**principal("Fanout.Reader"))) is None
    assert refusal(endpoints.DELETE_RUN, call()) is None


@pytest.fixture
def signing_in(local_settings: pytest.MonkeyPatch) -> None:
    local_settings.setenv("FANOUT_SIGN_IN", "true")
    settings.cache_clear()


@pytest.mark.usefixtures("signing_in")
def test_whoever_has_not_signed_in_is_told_how_and_whoever_may_not_which_role_it_takes():
    refused = refusal(endpoints.DELETE_RUN, call())
    assert refused is not None
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    refused = refusal(endpoints.DELETE_RUN, call(**principal("Fanout.Operator")))
    assert refused is not None
    assert refused.status_code == 403
    assert "Fanout.Admin" in detail(refused)
    assert refusal(endpoints.DELETE_RUN, call(**principal("Fanout.Admin"))) is None


@pytest.mark.usefixtures("signing_in")
def test_the_health_check_is_anybodys():
    assert refusal(endpoints.GET_HEALTH, call()) is None


def test_who_calls_too_often_is_told_when_to_go_on(local_settings: pytest.MonkeyPatch):
    local_settings.setenv("FANOUT_MAX_REQUESTS_PER_MINUTE", "2")
    settings.cache_clear()
    there, elsewhere = {"X-Forwarded-For": "1.1.1.1"}, {"X-Forwarded-For": "2.2.2.2"}
    answers = [refusal(endpoints.GET_RUN, call(**there)) for _ in range(3)]
    assert answers[:2] == [None, None]
    refused = answers[2]
    assert refused is not None
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "30"
    assert refusal(endpoints.GET_RUN, call(**elsewhere)) is None


def test_a_caller_cannot_pass_for_others_by_what_they_put_before_their_address(
    local_settings: pytest.MonkeyPatch,
):
    local_settings.setenv("FANOUT_MAX_REQUESTS_PER_MINUTE", "1")
    settings.cache_clear()
    spoofed = [{"X-Forwarded-For": f"9.9.9.{n}, 1.1.1.1"} for n in range(2)]
    assert refusal(endpoints.GET_RUN, call(**spoofed[0])) is None
    assert refusal(endpoints.GET_RUN, call(**spoofed[1])) is not None


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("1.1.1.1:4711", "1.1.1.1:4712"),
        ("1.1.1.1", "1.1.1.1:1"),
        ("[2001:db8::1]:1", "2001:db8::1"),
        ("9.9.9.9:1, 1.1.1.1:2", "8.8.8.8:3,1.1.1.1:4"),
    ],
)
def test_an_address_is_one_caller_whatever_the_port(
    said: str, same: str, local_settings: pytest.MonkeyPatch
):
    local_settings.setenv("FANOUT_MAX_REQUESTS_PER_MINUTE", "1")
    settings.cache_clear()
    assert refusal(endpoints.GET_RUN, call(**{"X-Forwarded-For": said})) is None
    assert refusal(endpoints.GET_RUN, call(**{"X-Forwarded-For": same})) is not None


@pytest.mark.usefixtures("signing_in")
@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
def test_a_page_of_another_site_changes_nothing_with_the_cookie_of_a_sign_in(site: str):
    signed = {**principal("Fanout.Admin"), "Sec-Fetch-Site": site}
    refused = refusal(endpoints.DELETE_RUN, call(**signed))
    assert refused is not None
    assert refused.status_code == 403
    assert "another site" in detail(refused)
    assert refusal(endpoints.GET_RUN, call(**signed)) is None


FOREIGN = ["https://evil.example", "http://x.evil.example", "https://x:444", "null", "", "x", "//x"]
FOREIGN += [
    "https://evil.example/x",
    "https://[",
    "file://x",
    "https://x.",
    "https://x@evil.example",
]


@pytest.mark.usefixtures("signing_in")
@pytest.mark.parametrize("origin", FOREIGN)
def test_a_browser_that_names_no_site_is_known_by_the_origin_of_the_page(origin: str):
    signed = {**principal("Fanout.Admin"), "Origin": origin}
    for endpoint in (endpoints.DELETE_RUN, endpoints.START_RUN, endpoints.CHANGE_RUN):
        refused = refusal(endpoint, call(**signed))
        assert refused is not None
        assert (refused.status_code, "another site" in detail(refused)) == (403, True)
    assert refusal(endpoints.GET_RUN, call(**signed)) is None


@pytest.mark.usefixtures("signing_in")
@pytest.mark.parametrize("origin", ["http://x", "https://x", "https://X", "https://app.example"])
def test_the_app_s_own_page_may_by_whatever_name_it_was_reached(
    origin: str, local_settings: pytest.MonkeyPatch
):
    local_settings.setenv("WEBSITE_HOSTNAME", "app.example")
    settings.cache_clear()
    signed = {**principal("Fanout.Admin"), "Origin": origin}
    assert refusal(endpoints.DELETE_RUN, call(**signed)) is None


@pytest.mark.usefixtures("signing_in")
@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_dashboard_and_whoever_is_no_browser_may(site: str):
    signed = {**principal("Fanout.Admin"), "Sec-Fetch-Site": site}
    assert refusal(endpoints.DELETE_RUN, call(**signed)) is None
