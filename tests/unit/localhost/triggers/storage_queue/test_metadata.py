"""What a message of a Storage queue tells a function beside its body."""

from datetime import UTC, datetime

from azure.storage.queue import QueueMessage

from localhost.triggers.storage_queue.metadata import message_metadata


def _message() -> QueueMessage:
    return QueueMessage(
        "content",
        id="m-1",
        dequeue_count=2,
        inserted_on=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        pop_receipt="p",
    )


def test_it_has_the_names_and_the_texts_that_the_worker_reads():
    assert message_metadata(_message(), "body") == {
        "Id": "m-1",
        "DequeueCount": 2,
        "ExpirationTime": "9999-12-31T23:59:59Z",
        "InsertionTime": "2026-01-02T03:04:05Z",
        "NextVisibleTime": "9999-12-31T23:59:59Z",
        "PopReceipt": "p",
        "QueueTrigger": "body",
    }
    assert "QueueTrigger" not in message_metadata(_message(), None)


def test_values_of_the_body_take_the_place_of_those_of_the_message():
    assert message_metadata(_message(), '{"ID": 7}')["Id"] == "7"
