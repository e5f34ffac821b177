import tracemalloc

import pytest

from fanout.adapters.settings import SettingsError
from tests.support.hostile.templates import HostileTemplate, refused_templates
from workloads.notifications.check import find_problems
from workloads.notifications.parameters import NotificationParameters
from workloads.notifications.settings import NotificationSettings, SmtpServer

ALL = NotificationSettings.from_environment(
    {
        "FANOUT_SMTP": "smtps://us%40er:p%3Aw@mail.example.org",
        "FANOUT_WEBHOOK_SECRET": "s",
        "FANOUT_SMS_URL": "https://sms.example.org/",
    }
)


def found(settings: NotificationSettings = ALL, **templates: object) -> dict[str, str]:
    parameters = NotificationParameters.model_validate(
        {"templates": templates, "sender": {"email": "a@example.org"}}
    )
    return {problem.field: problem.message for problem in find_problems(parameters, settings)}


def test_every_template_that_does_not_compile_is_named_with_its_line():
    named = found(
        email={"subject": "{{ a", "text": "x\n{% if %}", "html": "{% include 'x' %}"},
        webhook={"body": "{{ a | no_such_filter }}"},
        sms={"text": "{% endfor %}"},
    )
    prefix = "parameters.templates."
    assert {field.removeprefix(prefix) for field in named} == {
        "email.subject",
        "email.text",
        "email.html",
        "webhook.body",
        "sms.text",
    }
    assert named[f"{prefix}email.text"].startswith("line 2: ")


def test_good_templates_pass():
    good = {"subject": "{{ a }}", "text": "{{ a }}", "html": "<b>{{ a }}</b>"}
    assert found(email=good, webhook={"body": "{{ a | tojson }}"}, sms={"text": "{{ a }}"}) == {}


@pytest.mark.parametrize("attack", refused_templates(), ids=lambda attack: attack.name)
def test_what_is_no_template_or_is_too_much_of_one_is_named_by_its_field(attack: HostileTemplate):
    named = found(sms={"text": attack.source})
    assert list(named) == ["parameters.templates.sms.text"]
    assert 10 < len(named["parameters.templates.sms.text"]) <= 500


@pytest.mark.parametrize(
    "source", ["{{ 'x' | center(300000000) | length }}", "{{ '%300000000d' | format(1) | length }}"]
)
def test_what_is_constant_in_a_template_is_not_worked_out_when_it_is_checked(source: str):
    tracemalloc.start()
    try:
        assert found(sms={"text": source}) == {}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_a_run_without_any_template_is_refused():
    assert list(found()) == ["parameters.templates"]


def test_a_channel_that_the_app_has_no_settings_for_is_refused():
    named = found(
        NotificationSettings(),
        email={"subject": "a", "text": "a"},
        webhook={"body": "1"},
        sms={"text": "a"},
    )
    assert [message.rpartition(" ")[2] for message in named.values()] == [
        "FANOUT_SMTP",
        "FANOUT_WEBHOOK_SECRET",
        "FANOUT_SMS_URL",
    ]


def test_a_mail_server_is_read_from_a_url():
    assert ALL.smtp == SmtpServer("smtps", "mail.example.org", 465, "us@er", "p:w")
    assert "p:w" not in repr(ALL)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://x",
        "smtp://",
        "smtp://u:secret@h:x",
        "smtp://h:0",
        "smtp://h:99999",
        "smtp://h:" + "9" * 5_000,
    ],
)
def test_a_mail_server_that_is_no_url_is_named_without_its_password(url: str):
    with pytest.raises(SettingsError, match="FANOUT_SMTP") as raised:
        NotificationSettings.from_environment({"FANOUT_SMTP": url})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        *("sms.example.org", "ftp://h/", "https://", "https://u:secret@h:x/", "https://h:0/"),
        *(
            "https://h:99999/",
            "http://[::1",
            f"https://h:{'9' * 5_000}/",
            "https://h:\u0665/",
            "\0",
        ),
    ],
)
def test_a_gateway_that_is_no_url_is_named_without_its_password(url: str):
    with pytest.raises(SettingsError, match="FANOUT_SMS_URL") as raised:
        NotificationSettings.from_environment({"FANOUT_SMS_URL": url})
    assert "secret" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_hosts_of_settings_are_connected_to_by_their_a_labels():
    settings = NotificationSettings.from_environment(
        {
            "FANOUT_SMTP": "smtp://Us%40er:Pw@Mail.BÜCHER.example:2525",
            "FANOUT_SMS_URL": "https://Us:Pw@sms.straße.example:8443/Send?q=Ä",
        }
    )
    assert settings.smtp == SmtpServer("smtp", "mail.xn--bcher-kva.example", 2525, "Us@er", "Pw")
    assert settings.sms_url == "https://Us:Pw@sms.xn--strae-oqa.example:8443/Send?q=Ä"
    for name, url in (("FANOUT_SMTP", "smtp://-ä.org"), ("FANOUT_SMS_URL", "https://-ä.org/")):
        with pytest.raises(SettingsError, match=name):
            NotificationSettings.from_environment({name: url})


def test_a_reference_that_azure_did_not_resolve_is_no_secret():
    """Webhooks would be signed with a text that everybody can read in the template."""
    reference = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/a)"
    names = ("FANOUT_SMTP", "FANOUT_WEBHOOK_SECRET", "FANOUT_SMS_TOKEN")
    settings = NotificationSettings.from_environment(dict.fromkeys(names, reference))
    assert settings == NotificationSettings()
    problems = found(settings, webhook={"body": "x"}, email={"subject": "a", "text": "b"})
    assert len(problems) == 2
