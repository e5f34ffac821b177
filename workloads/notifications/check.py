"""Check a run's parameters and the app's settings before anything is sent."""

from collections.abc import Iterator

from jinja2 import TemplateError, TemplateSyntaxError

from fanout.adapters.settings import not_readable_message
from fanout.adapters.settings import settings as app_settings
from fanout.errors import FieldProblem
from workloads.notifications import settings as names
from workloads.notifications.parameters import NotificationParameters, SuppressionBlob, Templates
from workloads.notifications.settings import NotificationSettings
from workloads.notifications.suppression import read_list
from workloads.notifications.templates import compile_template

MAX_MESSAGE_CHARACTERS = 500


def find_problems(
    parameters: NotificationParameters, settings: NotificationSettings
) -> Iterator[FieldProblem]:
    """Name every template that does not compile and every channel without its setting."""
    templates = parameters.templates
    if templates == type(templates)():
        yield FieldProblem("parameters.templates", "give a template for email, webhook or sms")
    for field, source, is_html in _template_sources(templates):
        try:
            compile_template(source, is_html=is_html)
        except TemplateSyntaxError as error:
            yield _template_problem(field, f"line {error.lineno}: {error.message}")
        except TemplateError as error:
            yield _template_problem(field, str(error))
    yield from _setting_problems(parameters, settings)


def _template_problem(field: str, message: str) -> FieldProblem:
    """What is wrong with a template, of which the message may have a part as long as it is."""
    return FieldProblem(f"parameters.templates.{field}", message[:MAX_MESSAGE_CHARACTERS])


def find_list_problems(listing: SuppressionBlob | None) -> Iterator[FieldProblem]:
    """Name a suppression list that callers may not have read, and each entry that cannot be read.

    It is read here and again when items are processed: nothing is sent by a list with a fault.
    """
    if listing is None:
        return
    if not app_settings().may_read(listing.container):
        field = "parameters.suppression_list.container"
        yield FieldProblem(field, not_readable_message(listing.container))
        return
    for fault in read_list(listing).faults:
        message = f"the blob '{listing.blob}' in the container '{listing.container}': {fault}"
        yield FieldProblem("parameters.suppression_list.blob", message)


def _setting_problems(
    parameters: NotificationParameters, settings: NotificationSettings
) -> Iterator[FieldProblem]:
    templates = parameters.templates
    if templates.email is not None and parameters.sender.email is None:
        yield FieldProblem("parameters.sender.email", "mails need an address they are from")
    channels = (
        ("email", templates.email, settings.smtp, names.SMTP),
        ("webhook", templates.webhook, settings.webhook_secret, names.SECRET),
        ("sms", templates.sms, settings.sms_url, names.SMS_URL),
    )
    for channel, template, value, name in channels:
        if template is not None and value is None:
            message = f"the app lacks the setting {name}"
            yield FieldProblem(f"parameters.templates.{channel}", message)


def _template_sources(templates: Templates) -> Iterator[tuple[str, str, bool]]:
    """Yield every template: its field, its source, whether it is HTML."""
    email, webhook, sms = templates.email, templates.webhook, templates.sms
    if email is not None:
        yield "email.subject", email.subject, False
        yield "email.text", email.text, False
        if email.html is not None:
            yield "email.html", email.html, True
    if webhook is not None:
        yield "webhook.body", webhook.body, False
    if sms is not None:
        yield "sms.text", sms.text, False
