"""A bare text that an HTTP function returns."""

import pytest

from localhost.execution.contract import HttpResponseData
from localhost.worker.values.http_result import JSON, TEXT, response_from_text


@pytest.mark.parametrize("text", ["hello", "", "{", "5", '{"status": 404}', '["body"]'])
def test_a_text_is_the_body(text: str) -> None:
    assert response_from_text(text) == HttpResponseData(
        200, [("Content-Type", TEXT)], text.encode()
    )


def test_an_object_with_a_body_is_the_response() -> None:
    text = (
        '{"body": "é", "status": "404", "headers": {"X-A": 1},'
        ' "cookies": [{"name": "a", "value": "b", "maxAge": 5, "httpOnly": true}]}'
    )
    assert response_from_text(text) == HttpResponseData(
        404,
        [("X-A", "1"), ("Content-Type", TEXT), ("Set-Cookie", "a=b; Max-Age=5; HttpOnly")],
        "é".encode(),
    )


@pytest.mark.parametrize(
    ("text", "status", "content_type", "body"),
    [
        ('{"body": {"a": 1}}', 200, JSON, b'{"a": 1}'),
        ('{"body": [1], "statusCode": 202}', 202, JSON, b"[1]"),
        ('{"body": null}', 200, TEXT, b""),
        ('{"body": "x", "headers": {"content-type": "text/html"}}', 200, "text/html", b"x"),
    ],
)
def test_what_is_no_text_is_sent_as_json(
    text: str, status: int, content_type: str, body: bytes
) -> None:
    response = response_from_text(text)
    assert (response.status, response.body) == (status, body)
    assert [value for name, value in response.headers if name.lower() == "content-type"] == [
        content_type
    ]


def test_headers_that_are_no_object_are_refused() -> None:
    with pytest.raises(TypeError, match="headers"):
        response_from_text('{"body": "x", "headers": ["x"]}')
