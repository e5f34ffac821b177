"""The same content has the same blob, by a name that a blob can have."""

import io

import pytest

from cli.uploads import upload_name
from fanout.models.source import CsvSource


@pytest.mark.parametrize(
    ("name", "blob"),
    [
        ("a b é.csv", "a b é.csv"),
        ("caf\udce9.csv", "caf%E9.csv"),
        ("a\\b\n.csv", "a%5Cb%0A.csv"),
        ("\u2028.csv", "%E2%80%A8.csv"),
        ("\ud83d.csv", "%ED%A0%BD.csv"),
        (".csv", ".csv"),
    ],
)
def test_a_file_has_a_blob_whatever_it_is_called(name: str, blob: str):
    made = upload_name(io.BytesIO(b"id\n1\n"), name)
    assert made == f"uploads/7cde7fb64fd82bd1/{blob}"
    assert CsvSource(kind="csv", container="inbox", blob=made).blob == made


def test_a_file_can_be_read_again_after_it_was_named():
    data = io.BytesIO(b"x" * 3_000_000)
    assert upload_name(data, "a.csv") == upload_name(data, "a.csv")
    assert data.read() == b"x" * 3_000_000
