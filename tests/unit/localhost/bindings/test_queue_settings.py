"""The `queues` section of host.json."""

from datetime import timedelta

import pytest

from localhost.bindings.contract import BindingError
from localhost.bindings.queue_settings import QueueSettings


def test_the_section_is_read_and_what_is_missing_has_the_extensions_defaults():
    assert QueueSettings.of_host_json({}) == QueueSettings()
    settings = QueueSettings.of_host_json(
        {
            "maxPollingInterval": "00:00:05",
            "visibilityTimeout": "00:00:30",
            "batchSize": 10,
            "maxDequeueCount": 2,
            "messageEncoding": "None",
        }
    )
    assert settings.max_polling == timedelta(seconds=5)
    assert settings.visibility == timedelta(seconds=30)
    assert (settings.batch_size, settings.new_batch_threshold) == (10, 5)
    assert (settings.max_dequeue_count, settings.encoding) == (2, "none")
    assert QueueSettings.of_host_json({"maxPollingInterval": 500}).max_polling == timedelta(
        milliseconds=500
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("batchSize", 33),
        ("batchSize", 0),
        ("batchSize", True),
        ("maxDequeueCount", "5"),
        ("newBatchThreshold", -1),
        ("messageEncoding", "utf7"),
        ("visibilityTimeout", "soon"),
        ("maxPollingInterval", 10),
    ],
)
def test_a_value_that_cannot_be_is_named(key, value):
    with pytest.raises(BindingError, match=f"host.json: 'extensions.queues.{key}'"):
        QueueSettings.of_host_json({key: value})


@pytest.mark.parametrize(("encoding", "content"), [("base64", "w6Q="), ("none", "ä")])
def test_bodies_are_stored_in_the_encoding(encoding, content):
    settings = QueueSettings(encoding=encoding)
    assert settings.encode("ä") == settings.encode("ä".encode()) == content
    assert settings.decode(content) == "ä".encode()


def test_what_does_not_fit_the_encoding_is_refused():
    with pytest.raises(ValueError, match="no base64"):
        QueueSettings().decode("not base64!")
    with pytest.raises(UnicodeDecodeError):
        QueueSettings(encoding="none").encode(b"\xff")
