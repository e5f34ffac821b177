import asyncio
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from localhost.stack.smtp_sink import DEVELOPMENT, SmtpSink


def hand_in(address: str, *subjects: str) -> None:
    host, _, port = address.removeprefix("smtp://").partition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as connection:
        for subject in subjects:
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", subject
            mail.set_content(".a line that begins with a dot\n")
            connection.send_message(mail)


async def test_each_mail_is_kept_as_a_file_in_the_order_of_arrival(tmp_path: Path):
    sink = SmtpSink(tmp_path / "mails", {"FANOUT_SMTP": DEVELOPMENT, "OTHER": "x"})
    addresses = await sink.start()
    assert list(addresses) == ["FANOUT_SMTP"]
    await asyncio.to_thread(hand_in, addresses["FANOUT_SMTP"], "one", "two")
    await sink.stop()
    names = sorted((tmp_path / "mails").iterdir())
    mails = [message_from_bytes(name.read_bytes(), policy=policy.default) for name in names]
    assert [mail["Subject"] for mail in mails] == ["one", "two"]
    assert mails[0].get_content().strip() == ".a line that begins with a dot"


async def test_nothing_listens_after_it_was_stopped(tmp_path: Path):
    sink = SmtpSink(tmp_path, {"FANOUT_SMTP": DEVELOPMENT})
    address = (await sink.start())["FANOUT_SMTP"]
    await sink.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(hand_in, address, "late")


async def test_without_a_setting_that_asks_nothing_starts(tmp_path: Path):
    sink = SmtpSink(tmp_path / "mails", {"FANOUT_SMTP": "smtp://mail.example.org"})
    assert await sink.start() == {}
    assert not (tmp_path / "mails").exists()
    await sink.stop()
