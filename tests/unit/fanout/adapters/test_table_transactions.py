"""Transactions as text: what we send, e-mail's own parser reads; what is answered, we read."""

from email import message_from_bytes
from email.message import Message

import pytest
from azure.core.rest import HttpRequest
from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.table_transactions import Answer, decode, encode

URL = "http://127.0.0.1:10002/devstoreaccount1/things(PartitionKey='p',RowKey='a%C3%A4')"


def parts_of(message: Message) -> list[Message]:
    parts = message.get_payload()
    assert isinstance(parts, list)
    return parts


def parse(body: bytes, boundary: str) -> list[bytes]:
    """The requests in a transaction, as the standard library reads them."""
    head = f"Content-Type: multipart/mixed; boundary=batch_{boundary}\r\n\r\n".encode()
    (changes,) = parts_of(message_from_bytes(head + body))
    assert changes.get_content_type() == "multipart/mixed"
    requests = parts_of(changes)
    assert [part["content-id"] for part in requests] == [str(n) for n in range(len(requests))]
    assert {part.get_content_type() for part in requests} == {"application/http"}
    payloads = [part.get_payload(decode=True) for part in requests]
    return [payload for payload in payloads if isinstance(payload, bytes)]


json_text = st.dictionaries(st.text("abc", min_size=1), st.text() | st.integers(), max_size=3)


@given(st.lists(json_text, min_size=1, max_size=5))
def test_each_request_is_a_part(bodies: list[dict[str, object]]):
    requests = tuple(HttpRequest("PUT", URL, headers={"If-Match": "*"}, json=b) for b in bodies)
    for request, text in zip(requests, parse(encode(requests, "42"), "42"), strict=True):
        head, _, content = text.partition(b"\r\n\r\n")
        first, *headers = head.decode().split("\r\n")
        assert first == f"PUT {URL} HTTP/1.1"
        assert "If-Match: *" in headers
        assert content.rstrip(b"\r\n") == request.content.encode()


def test_a_deletion_has_no_content():
    (text,) = parse(encode((HttpRequest("DELETE", URL, headers={"If-Match": "*"}),), "1"), "1")
    assert text.rstrip() == f"DELETE {URL} HTTP/1.1\r\nIf-Match: *".encode()


def answered(*messages: str, end: str = "\r\n") -> str:
    """A transaction's answer, as the documentation shows one."""
    parts = "".join(
        "--changesetresponse_b-1\r\nContent-Type: application/http\r\n"
        f"Content-Transfer-Encoding: binary\r\n\r\n{message}{end}"
        for message in messages
    )
    return (
        "--batchresponse_a-1\r\n"
        "Content-Type: multipart/mixed; boundary=changesetresponse_b-1\r\n\r\n"
        f"{parts}--changesetresponse_b-1--\r\n--batchresponse_a-1--\r\n"
    )


def test_each_answer_is_read_with_its_headers():
    etag = "W/\"datetime'2026-11-29T22%3A30%3A05.4521555Z'\""
    text = answered(
        f"HTTP/1.1 204 No Content\r\nCache-Control: no-cache\r\nETag: {etag}\r\n\r\n\r\n",
        "HTTP/1.1 201 Created\r\nLocation: http://a/b(c='d')\r\n\r\n\r\n",
    )
    first, second = decode(text)
    assert first == Answer(204, {"cache-control": "no-cache", "etag": etag}, "\r\n\r\n")
    assert (second.status, second.headers["location"]) == (201, "http://a/b(c='d')")
    assert not first.is_refusal


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "409 Conflict", "500 No"])
def test_a_refusal_is_one(status: str):
    content = '{"odata.error":{"code":"EntityAlreadyExists"}}'
    (answer,) = decode(answered(f"HTTP/1.1 {status}\r\nContent-ID: 2\r\n\r\n{content}"))
    assert answer.is_refusal
    assert answer.content.strip() == content


def test_an_answer_of_nothing_has_none():
    assert [*decode("")] == []
    assert [*decode("<html>gateway</html>")] == []


def test_an_answer_that_was_cut_short_is_never_taken_for_whole():
    written = "HTTP/1.1 204 No Content\r\nETag: e\r\n\r\n\r\n"
    text = answered(written, written)
    whole = text.rindex("--changesetresponse_b-1")
    for length in range(whole + 1):
        assert len([*decode(text[:length])]) < 2
