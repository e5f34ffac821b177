"""Notifications through the whole product: a real mail server, a real receiver, batches twice."""

import asyncio
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from localhost.stack.smtp_sink import DEVELOPMENT, SmtpSink
from tests.support.hosts.hosts import chosen
from tests.support.hosts.product import Product
from tests.support.hosts.running_product import product_on
from tests.support.services.receiver import Received, Receiver, Said, receiving

pytestmark = pytest.mark.needs_settings
SECRET = "the secret of the tests"
TEMPLATES = {
    "email": {
        "subject": "Your order {{ order }}",
        "text": "Dear {{ name }},\nyour order {{ order }} has left us.\n",
        "html": "<p>Dear {{ name }}, your order <b>{{ order }}</b> has left us.</p>",
    },
    "webhook": {"body": '{"order": {{ order | tojson }}, "name": {{ name | tojson }}}'},
    "sms": {"text": "Order {{ order }} has left us."},
}
SENDER = {"email": "shop@example.org", "name": "The Shop", "sms": "SHOP"}
ANSWERS = {
    "/slow": [Said(429, {"Retry-After": "2"}), Said(200)],
    "/gone": [Said(404)],
    "/moved": [Said(302, {"Location": "/elsewhere"})],
    "/sms": [Said(201, body=b'{"id": "m-1"}')],
}


class World:
    """The product, and those whom it tells."""

    def __init__(self, product: Product, receiver: Receiver, mails: Path) -> None:
        self.product, self.receiver, self._mails = product, receiver, mails

    def mails_to(self, address: str) -> list[EmailMessage]:
        mails = [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted(self._mails.glob("*.eml"))
        ]
        return [mail for mail in mails if mail["To"] == address]

    def tell(self, *recipients: dict[str, Any], **parameters: Any) -> dict[str, Any]:
        """Run with these recipients; the outcomes by id."""
        status = self.product.run(request(*recipients, **parameters))
        self.status = status
        return {o.item_id: o for o in self.product.outcomes(status["run_id"])}


def request(*recipients: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    return {
        "workload": "notifications",
        "source": {"kind": "inline", "items": list(recipients)},
        "parameters": {"templates": TEMPLATES, "sender": SENDER} | parameters,
        "retry": {"max_attempts": 3, "base_seconds": 0.05, "jitter_seconds": 0},
        "tolerance": {"percentage": 100},
    }


def recipient(id: str, **addresses: str) -> dict[str, Any]:
    return {"id": id, "fields": {"name": "Ada <Lovelace>", "order": f"N-{id}"}} | addresses


@contextmanager
def mail_sink(folder: Path) -> Iterator[str]:
    """Run a sink on a loop of its own; gives its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    sink = SmtpSink(folder, {"S": DEVELOPMENT})
    try:
        yield asyncio.run_coroutine_threadsafe(sink.start(), loop).result(120)["S"]
    finally:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def world(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every batch is delivered twice, both deliveries at once, where the host has faults."""
    folder = tmp_path_factory.mktemp("notifications")
    faults = folder / "faults.json"
    faults.write_text(json.dumps({"seed": 1, "activities": {"deliver_twice": 1.0}}))
    with mail_sink(folder / "mails") as address, receiving(ANSWERS) as receiver:
        settings = {
            "FANOUT_SMTP": address,
            "FANOUT_WEBHOOK_SECRET": SECRET,
            "FANOUT_ALLOW_PRIVATE_WEBHOOKS": "true",
            "FANOUT_SMS_URL": f"{receiver.origin}/sms",
        }
        options = ("--faults", str(faults)) if chosen().is_embedded else ()
        with product_on(storage, folder, options=options, **settings) as product:
            yield World(product, receiver, folder / "mails")


def is_signed(received: Received) -> bool:
    signed = received.headers["x-fanout-timestamp"].encode() + b"." + received.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return received.headers["x-fanout-signature"] == f"v1={expected}"


@pytest.mark.needs_embedded
def test_each_channel_is_told_once_although_every_batch_is_delivered_twice(world: World):
    people = [
        recipient(
            f"once-{number}",
            email=f"once-{number}@example.org",
            webhook=f"{world.receiver.origin}/once/{number}",
            sms=f"+4930123400{number:02d}",
        )
        for number in range(20)
    ]
    outcomes = world.tell(*people)
    assert world.status["outcome"] == "succeeded"
    assert {outcome.status for outcome in outcomes.values()} == {"succeeded"}
    hooks = Counter(hook.path for hook in world.receiver.received if "/once/" in hook.path)
    assert hooks == {f"/once/{number}": 1 for number in range(20)}
    assert [len(world.mails_to(person["email"])) for person in people] == [1] * 20
    texts = Counter(json.loads(hook.body)["text"] for hook in world.receiver.at("/sms"))
    assert texts == {f"Order N-once-{number} has left us.": 1 for number in range(20)}
    for person in people:
        receipts = outcomes[person["id"]].output
        assert [receipts[channel]["status"] for channel in receipts] == ["sent"] * 3
        (mail,) = world.mails_to(person["email"])
        assert receipts["email"]["message_id"] == mail["Message-ID"]
        assert receipts["email"]["code"] == 250
        assert receipts["sms"]["message_id"] == "m-1"
        assert receipts["webhook"]["at"]


def test_a_mail_and_a_signed_webhook_come_as_the_templates_have_them(world: World):
    hook = f"{world.receiver.origin}/letter"
    outcomes = world.tell(recipient("letter", email="letter@example.org", webhook=hook))
    (mail,) = world.mails_to("letter@example.org")
    assert (mail["From"], mail["Subject"]) == ("The Shop <shop@example.org>", "Your order N-letter")
    text, html = mail.iter_parts()
    assert "Dear Ada <Lovelace>," in text.get_content()
    assert "Dear Ada &lt;Lovelace&gt;," in html.get_content()
    (received,) = world.receiver.at("/letter")
    assert json.loads(received.body) == {"order": "N-letter", "name": "Ada <Lovelace>"}
    assert is_signed(received)
    key = outcomes["letter"].output["webhook"]["message_id"]
    assert received.headers["idempotency-key"] == key
    assert key == f"{world.status['run_id']}/letter/process/webhook"


def test_429_is_waited_out_and_then_succeeds_and_the_mail_is_not_sent_again(world: World):
    hook = f"{world.receiver.origin}/slow"
    outcomes = world.tell(recipient("slow", email="slow@example.org", webhook=hook))
    assert outcomes["slow"].status == "succeeded"
    assert world.status["retries"] >= 1
    assert len(world.mails_to("slow@example.org")) == 1
    first, second = world.receiver.at("/slow")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize("path", ["/gone", "/moved"])
def test_a_refusal_is_permanent_and_a_redirect_is_one(world: World, path: str):
    outcome = world.tell(recipient(path[1:], webhook=world.receiver.origin + path))[path[1:]]
    assert (outcome.status, outcome.attempts) == ("failed", 1)
    assert outcome.error is not None
    assert outcome.error.retryable is False
    assert outcome.error.message.startswith("webhook: the webhook answered ")
    assert world.receiver.at("/elsewhere") == []


def test_a_suppressed_domain_is_one_in_every_spelling_and_mail_goes_to_its_a_labels(world: World):
    world.product.upload("jo@bücher.example\n".encode(), "idn.txt")
    listing = {"container": world.product.inbox.container_name, "blob": "idn.txt"}
    outcomes = world.tell(
        recipient("a-label", email="jo@xn--bcher-kva.example"),
        recipient("u-label", email="Jo@BÜCHER.example"),
        recipient("other", email="bo@bücher.example"),
        recipient("beyond", email="bö@bücher.example"),
        suppression_list=listing,
    )
    sent = {id: outcome.output["email"]["status"] for id, outcome in outcomes.items()}
    assert sent == {
        "a-label": "suppressed",
        "u-label": "suppressed",
        "other": "sent",
        "beyond": "sent",
    }
    assert len(world.mails_to("bo@xn--bcher-kva.example")) == 1


def test_a_list_with_an_entry_that_cannot_be_read_starts_nothing(world: World):
    world.product.upload(b"jo@example.org\nnobody\n", "broken.txt")
    listing = {"container": world.product.inbox.container_name, "blob": "broken.txt"}
    asked = request(recipient("1", email="jo@example.org"), suppression_list=listing)
    answer = world.product.post(asked)
    assert answer.status == 400
    (error,) = answer.json["errors"]
    assert error["field"] == "parameters.suppression_list.blob"
    assert "line 2: 'nobody'" in error["message"]


def test_who_is_suppressed_is_told_nothing_and_the_receipt_says_so(world: World):
    world.product.upload(b"# bounced\nbounced@example.org\n", "suppressed.txt")
    listing = {"container": world.product.inbox.container_name, "blob": "suppressed.txt"}
    outcomes = world.tell(
        recipient("bounced", email="Bounced@example.org"),
        recipient("off", sms="+493012349999"),
        suppressed=["+493012349999"],
        suppression_list=listing,
    )
    assert outcomes["bounced"].output["email"]["status"] == "suppressed"
    assert outcomes["off"].output["sms"]["status"] == "suppressed"
    assert world.mails_to("Bounced@example.org") == []
    assert not any(b"N-off" in received.body for received in world.receiver.at("/sms"))


def test_a_template_that_does_not_compile_is_refused_before_anything_starts(world: World):
    templates = {"email": {"subject": "{{ order", "text": "x"}}
    answer = world.product.post(request(recipient("never"), templates=templates))
    assert answer.status == 400
    assert [e["field"] for e in answer.json["errors"]] == ["parameters.templates.email.subject"]


def test_a_recipient_whose_fields_lack_something_is_a_permanent_failure(world: World):
    outcome = world.tell({"id": "bare", "email": "bare@example.org", "fields": {"order": 1}})
    assert outcome["bare"].error is not None
    assert "'name' is undefined" in outcome["bare"].error.message
    assert world.mails_to("bare@example.org") == []


def test_the_receipts_go_with_their_run(world: World):
    world.tell(recipient("short-lived", email="short-lived@example.org"))
    run_id = world.status["run_id"]
    assert any("/receipts/" in name for name in world.product.blobs_of(run_id))
    assert world.product.host.request("DELETE", f"/api/runs/{run_id}").status == 204
    assert world.product.blobs_of(run_id) == []
