"""The demo of `notifications`: twelve people hear that their parcels are on the way."""

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from demo.api import Api
from demo.errors import DemoError
from demo.progress import follow
from demo.receiver import Receiver
from demo.reports import Scene
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
    """Tell everyone, and show what arrived.

    Raises:
        DemoError: Something did not work.
    """
    console = scene.console
    api = Api(scene.host.wait_until_ready())
    with Receiver(SETTINGS["FANOUT_WEBHOOK_SECRET"]) as receiver:
        people = recipients(receiver.origin)
        console.print(f"Source   {len(people)} recipients of samples/notifications")
        run_id = api.start(
            {
                "workload": "notifications",
                "source": {"kind": "inline", "items": people},
                "parameters": PARAMETERS,
            }
        )
        console.print(f"Run      {run_id}")
        status = follow(api, run_id, console)
    if status["outcome"] != "succeeded":
        raise DemoError(f"The run ended as {json.dumps(status, indent=2)}")
    mails = _mails(scene.host.mails())
    _show(console, people, mails, receiver)
    for number, mail in enumerate(mails, 1):
        path = scene.folder / f"mail-{number:02d}.eml"
        path.write_bytes(mail.as_bytes())
    console.print(f"Mails    {scene.folder}/mail-*.eml", soft_wrap=True)


def _show(
    console: Console, people: list[dict[str, Any]], mails: list[EmailMessage], receiver: Receiver
) -> None:
    table = Table(title="Mails sent", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("To")
    table.add_column("Subject")
    for mail in mails:
        table.add_row(mail["To"], mail["Subject"])
    console.print(table)
    console.print(f"Mails sent         {len(mails)} of {len(people)}: {SUPPRESSED} is suppressed")
    waited = f"{receiver.put_off} was told to come again, and did"
    console.print(f"Webhooks received  {len(receiver.taken)}, their signatures verified; {waited}")
    for key, body in receiver.taken:
        console.print(f"  {key.split('/')[1]:<6} {body}", markup=False)
    body_part = mails[0].get_body(("plain",))
    text = "" if body_part is None else body_part.get_content()
    console.print(f"\nOne mail, to {mails[0]['To']}:\n\n{text}", markup=False)


def _mails(folder: Path) -> list[EmailMessage]:
    files = sorted(folder.glob("*.eml"))
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    if not mails:
        raise DemoError("No mail arrived.")
    return sorted(mails, key=lambda mail: str(mail["To"]))
