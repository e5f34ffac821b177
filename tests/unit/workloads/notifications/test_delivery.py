import json
import logging
from typing import Any

import pytest
from pydantic import ValidationError

from fanout.adapters.settings import Settings
from fanout.errors import PermanentError, TransientError
from fanout.workload import Context
from tests.support.doubles.memory_store import MemoryStore
from tests.support.services.receiver import Said, receiving
from workloads.notifications import check, suppression
from workloads.notifications.delivery import Delivery
from workloads.notifications.parameters import NotificationParameters
from workloads.notifications.receipts import Receipts
from workloads.notifications.recipient import Recipient
from workloads.notifications.sandbox.errors import RenderError, TemplateLimitError
from workloads.notifications.settings import NotificationSettings

TEMPLATES = {"webhook": {"body": '{"name": {{ name | tojson }}}'}, "sms": {"text": "Hi {{ name }}"}}
BROKEN = {"webhook": {"body": "{{ missing }}"}}
SETTINGS = NotificationSettings(webhook_secret=b"s", allow_private_webhooks=True)


class Provider:
    """Takes messages, after it failed with each of `errors`."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.texts: list[str] = []

    def send(self, to: str, sender: str | None, text: str, key: str) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.texts.append(text)
        return f"m-{len(self.texts)}"


class Scene:
    """One store and one provider, before which recipients have their turns."""

    def __init__(self, *errors: Exception, **parameters: Any) -> None:
        self.store = MemoryStore()
        self.provider = Provider(*errors)
        self.parameters = NotificationParameters.model_validate(
            {"templates": TEMPLATES} | parameters
        )

    def tell(self, settings: NotificationSettings = SETTINGS, **recipient: Any) -> dict[str, Any]:
        item = Recipient(id="1", fields={"name": "Ada"}, **recipient)
        context = Context("r", "r/1/process", 1, self.parameters, logging.getLogger())
        receipts = Receipts(self.store, "runs", "r")
        return Delivery(item, context, settings, receipts, self.provider).run()


def test_a_channel_that_succeeded_is_not_tried_again_for_the_sake_of_another():
    scene = Scene(TransientError("busy", 0.0), TransientError("busy"))
    with receiving() as receiver:
        to = {"webhook": f"{receiver.origin}/", "sms": "+4930123456"}
        with pytest.raises(TransientError, match="sms: busy; webhook: sent") as raised:
            scene.tell(**to)
        assert raised.value.retry_after == 0
        with pytest.raises(TransientError):
            scene.tell(**to)
        receipts = scene.tell(**to)
        again = scene.tell(**to)
    assert again == receipts
    assert len(receiver.received) == len(scene.provider.texts) == 1
    assert receipts["sms"].message_id == "m-1"
    assert receipts["webhook"].message_id == "r/1/process/webhook"
    assert receipts["webhook"].code == 200
    assert receipts["webhook"].at is not None
    assert json.loads(receiver.received[0].body) == {"name": "Ada"}


def test_one_permanent_failure_fails_the_item_and_the_others_are_still_told():
    scene = Scene()
    refusal = pytest.raises(PermanentError, match="webhook: the webhook answered 404; sms: sent")
    with receiving({"/": [Said(404)]}) as receiver, refusal:
        scene.tell(webhook=f"{receiver.origin}/", sms="+4930123456")
    assert scene.provider.texts == ["Hi Ada"]


def test_what_is_suppressed_is_not_sent_and_says_so():
    scene = Scene(suppressed=[" +4930123456 "])
    assert scene.tell(sms="+4930123456")["sms"].status == "suppressed"
    assert scene.provider.texts == []


def test_a_suppression_list_is_a_blob_with_an_address_a_line(monkeypatch):
    scene = Scene(suppression_list={"container": "lists", "blob": "off.txt"})
    scene.store.write(
        "lists", "off.txt", "\ufeff# bounced\n\nBOB@example.org\n+4930123456\r\n".encode()
    )
    monkeypatch.setattr(suppression, "blob_store", lambda: scene.store)
    suppression._kept_list.cache_clear()
    assert scene.tell(sms="+4930123456")["sms"].status == "suppressed"
    assert suppression.is_suppressed("bob@Example.org", scene.parameters, "r")
    assert not suppression.is_suppressed("ada@example.org", scene.parameters, "r")
    suppression._kept_list.cache_clear()


def scene_with_list(monkeypatch, content: bytes | None) -> Scene:
    scene = Scene(suppression_list={"container": "lists", "blob": "off.txt"})
    if content is not None:
        scene.store.write("lists", "off.txt", content)
    monkeypatch.setattr(suppression, "blob_store", lambda: scene.store)
    suppression._kept_list.cache_clear()
    return scene


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("entry", ["jo@bücher.example", "bücher.example", "<JO@BÜCHER。EXAMPLE>"])
def test_an_idn_address_is_suppressed_in_whatever_form_it_comes(monkeypatch, entry, encoding):
    scene = scene_with_list(monkeypatch, f"# gone\r{entry}\r".encode(encoding))
    for address in ("jo@bücher.example", "jo@xn--bcher-kva.example", "Jo@BÜCHER.example."):
        assert suppression.is_suppressed(address, scene.parameters, "r")
        told = NotificationParameters(templates={}, suppressed=[entry])
        assert suppression.is_suppressed(address, told, "r")
    assert not suppression.is_suppressed("jo@example.org", scene.parameters, "r")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a@example.org\nnobody\n", "line 2: 'nobody'"),
        (b"a@example.org\nb@b\xfccher.example\n", "line 2: byte 0xfc is not UTF-8"),
        ("a@example.org\n".encode("utf-16-le"), "line 1: "),
        (None, "no such blob"),
    ],
)
def test_nothing_is_sent_by_a_list_that_cannot_be_read_and_the_run_is_refused(
    monkeypatch, content, fault
):
    scene = scene_with_list(monkeypatch, content)
    with pytest.raises(PermanentError, match=fault):
        scene.tell(sms="+4930123456")
    assert scene.provider.texts == []
    values = {"FANOUT_STORAGE": "none", "FANOUT_SOURCE_CONTAINERS": "lists"}
    monkeypatch.setattr(check, "app_settings", lambda: Settings.from_environment(values))
    problems = [*check.find_list_problems(scene.parameters.suppression_list)]
    assert {problem.field for problem in problems} == {"parameters.suppression_list.blob"}
    assert fault in problems[0].message


def test_an_entry_of_the_request_that_cannot_be_read_is_named():
    with pytest.raises(ValidationError, match="no mail address, domain") as refused:
        Scene(suppressed=["a@example.org", "nobody"])
    assert refused.value.errors()[0]["loc"] == ("suppressed", 1)


def test_a_number_in_digits_of_another_script_is_told_in_plain_ones():
    scene = Scene(suppressed=["+49 30 999999"])
    assert scene.tell(sms="＋４９３０１２３４５６")["sms"].status == "sent"
    assert scene.tell(sms="+٤٩٣٠٩٩٩٩٩٩")["sms"].status == "suppressed"


def test_a_webhook_into_the_own_network_is_refused_unless_a_setting_allows_it():
    with receiving() as receiver:
        strict = NotificationSettings(webhook_secret=b"s")
        with pytest.raises(PermanentError, match="port"):
            Scene().tell(strict, webhook=f"{receiver.origin}/")
        with pytest.raises(PermanentError, match="public internet"):
            Scene().tell(strict, webhook="http://2130706433/")
        assert receiver.received == []
        assert Scene().tell(webhook=f"{receiver.origin}/")["webhook"].status == "sent"


def test_a_recipient_whom_no_template_fits_is_a_failure():
    with pytest.raises(PermanentError, match="no template"):
        Scene().tell(email="ada@example.org")


def test_what_the_app_is_not_configured_for_is_a_failure():
    with pytest.raises(PermanentError, match="no secret"):
        Scene().tell(NotificationSettings(), webhook="https://example.org/")


@pytest.mark.parametrize(
    ("webhook", "sms", "error"),
    [
        ("{{ 'x'.center(2000000) }}", "{{ 'x'.center(2000000) }}", TemplateLimitError),
        ("{{ missing }}", "{{ 'x'.center(2000000) }}", RenderError),
    ],
)
def test_a_template_at_fault_is_told_by_its_class(webhook: str, sms: str, error: type[Exception]):
    scene = Scene(templates={"webhook": {"body": webhook}, "sms": {"text": sms}})
    with pytest.raises(PermanentError, match="sms: the template does not render") as raised:
        scene.tell(webhook="http://127.0.0.1/", sms="+4930123456")
    assert type(raised.value) is error


def test_a_template_at_fault_beside_another_failure_is_one_of_all_kinds():
    scene = Scene(PermanentError("no such number"), templates={**TEMPLATES, **BROKEN})
    with pytest.raises(PermanentError, match="no such number") as raised:
        scene.tell(webhook="http://127.0.0.1/", sms="+4930123456")
    assert type(raised.value) is PermanentError
