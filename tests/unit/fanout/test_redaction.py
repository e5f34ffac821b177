import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.telemetry.logs import JsonFormatter
from fanout.models.outcome import ErrorInfo
from fanout.redaction import redact_secrets

SECRET = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6/K1SZFPTOtr=="
LEAKS = [
    f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET};EndpointSuffix=x",
    f"Endpoint=sb://a/;SharedAccessKeyName=n;SharedAccessKey={SECRET}",
    f"accountkey = {SECRET}",
    f"GET https://a.blob.core.windows.net/c/b?sv=1&sig={SECRET}&se=2 failed",
    f"POST https://app/api/runs?code={SECRET}",
    f"Authorization: Bearer {SECRET}",
    f'{{"Authorization": "SharedKey account:{SECRET}"}}',
    f"{{'x-functions-key': '{SECRET}'}}",
    f"smtp://user:{SECRET.replace('/', '-')}@mail.example.org:587 refused",
]


@pytest.mark.parametrize("text", LEAKS)
def test_no_secret_is_told(text: str):
    told = redact_secrets(text)
    assert SECRET not in told
    assert SECRET[:20] not in told
    assert "***" in told


def test_what_stands_around_a_secret_is_told():
    assert redact_secrets(f"AccountName=a;AccountKey={SECRET};EndpointSuffix=x") == (
        "AccountName=a;AccountKey=***;EndpointSuffix=x"
    )
    assert (
        redact_secrets(f"https://u:{SECRET[:8]}@h/p?a=1&sig=x&b=2")
        == "https://u:***@h/p?a=1&sig=***&b=2"
    )


@pytest.mark.parametrize(
    "text",
    [
        "The order 17 has no key.",
        "https://shop.example/orders?page=2",
        "a: b@c",
        "Basic cable",
        "the password is wrong",
        "code=404",
        "12:30@noon",
        "bearer of bad news",
    ],
)
def test_other_texts_stay_as_they_are(text: str):
    assert redact_secrets(text) == text


@given(st.text())
def test_twice_is_as_good_as_once(text: str):
    assert redact_secrets(redact_secrets(text)) == redact_secrets(text)


@pytest.mark.parametrize("text", LEAKS)
def test_neither_outcomes_nor_log_lines_have_them(text: str):
    assert SECRET[:20] not in ErrorInfo(type="E", message=text).message
    try:
        raise ValueError(text)
    except ValueError as error:
        failed = (type(error), error, error.__traceback__)
    record = logging.LogRecord("fanout.x", logging.INFO, "f", 1, "got %s", (text,), failed)
    line = JsonFormatter().format(record)
    assert SECRET[:20] not in line
    assert json.loads(line)["error_type"] == "ValueError"
