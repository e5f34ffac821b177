"""The demo of `notifications`: twelve people hear that their parcels are on the way."""

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.receiver import Receiver
from demo.scene import Scene
from samples.notifications import recipients

# The receiver is on this machine, where webhooks otherwise must not go.
SETTINGS = {
    "FANOUT_WEBHOOK_SECRET": "the secret of the demo",
    "FANOUT_ALLOW_PRIVATE_WEBHOOKS": "true",
}
SUPPRESSED = "lou@example.com"
PARAMETERS = {
    "templates": {
        "email": {
            "subject": "Your order {{ order }} is on its way",
            "text": "Dear {{ name }},\n\nyour parcel ({{ what }}) left us today.\n\nThe Shop\n",
            "html": "<p>Dear {{ name }},</p><p>your parcel (<b>{{ what }}</b>) left us today.</p>",
        },
        "webhook": {"body": '{"order": {{ order | tojson }}, "event": "shipped"}'},
    },
    "sender": {"email": "shop@example.com", "name": "The Shop"},
    "suppressed": [SUPPRESSED],
}


def run(scene: Scene) -> None:
    """Notify everyone, and show what arrived.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    api = Api(scene.host.wait_until_ready())
    with Receiver(SETTINGS["FANOUT_WEBHOOK_SECRET"]) as receiver:
        people = recipients(receiver.origin)
        console.print(f"Source   {len(people)} recipients of samples/notifications")
        source = {"kind": "inline", "items": people}
        request = {"workload": "notifications", "source": source, "parameters": PARAMETERS}
        run_id = api.start(request)
        console.print(f"Run      {run_id}")
        status = follow(api, run_id, console)
    if status["outcome"] != "succeeded":
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    mails = _read_mails(scene.host.mails())
    _show_mails(console, mails)
    console.print(f"Mails sent         {len(mails)} of {len(people)}: {SUPPRESSED} is suppressed")
    _show_webhooks(console, receiver)
    _show_one(console, mails[0])
    for number, mail in enumerate(mails, 1):
        path = scene.folder / f"mail-{number:02d}.eml"
        path.write_bytes(mail.as_bytes())
    console.print(f"Mails    {scene.folder}/mail-*.eml", soft_wrap=True)


def _show_mails(console: Console, mails: list[EmailMessage]) -> None:
    table = Table(title="Mails sent", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("To")
    table.add_column("Subject")
    for mail in mails:
        table.add_row(mail["To"], mail["Subject"])
    console.print(table)


def _show_webhooks(console: Console, receiver: Receiver) -> None:
    retried = f"{receiver.postponed} was told to come again, and did"
    webhooks = receiver.accepted
    console.print(f"Webhooks received  {len(webhooks)}, their signatures verified; {retried}")
    for key, body in webhooks:
        console.print(f"  {key.split('/')[1]:<6} {body}", markup=False)


def _show_one(console: Console, mail: EmailMessage) -> None:
    body = mail.get_body(("plain",))
    text = "" if body is None else body.get_content()
    console.print(f"\nOne mail, to {mail['To']}:\n\n{text}", markup=False)


def _read_mails(folder: Path) -> list[EmailMessage]:
    files = sorted(folder.glob("*.eml"))
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    if not mails:
        raise DemoError("No mail arrived.")
    return sorted(mails, key=lambda mail: str(mail["To"]))
