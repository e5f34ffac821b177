"""Entities read from the emulator's configuration, and every fault of it named with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from localhost.stack.broker import config, settings
from tests.support.hosts import service_bus


def _of(**namespace: Any) -> dict[str, Any]:
    return {"UserConfig": {"Namespaces": [{"Name": "n", **namespace}]}}


def _queue(**properties: Any) -> dict[str, Any]:
    return _of(Queues=[{"Name": "q", "Properties": properties}])


def test_a_queue_without_properties_has_the_defaults_of_service_bus() -> None:
    [queue] = config.parse(_of(Queues=[{"Name": "q"}])).queues
    assert queue == settings.Queue("q")
    assert (queue.settings.lock_seconds, queue.settings.max_delivery_count) == (60.0, 10)


def test_a_queues_properties_are_read() -> None:
    [queue] = config.parse(
        _queue(
            DeadLetteringOnMessageExpiration=True,
            DefaultMessageTimeToLive="P1DT1H",
            DuplicateDetectionHistoryTimeWindow="PT20S",
            ForwardTo="",
            LockDuration="PT1M30.5S",
            MaxDeliveryCount=3,
            RequiresDuplicateDetection=True,
            RequiresSession=False,
        )
    ).queues
    assert queue.ingress == settings.IngressSettings(20.0, 90000.0)
    assert queue.settings == settings.QueueSettings(90.5, 3, 90000.0, dead_letters_expired=True)


def test_a_window_means_nothing_where_duplicates_are_not_detected() -> None:
    [queue] = config.parse(_queue(DuplicateDetectionHistoryTimeWindow="PT20S")).queues
    assert queue.ingress.duplicate_window_seconds is None


def test_the_longest_duration_of_dotnet_means_for_ever() -> None:
    [queue] = config.parse(_queue(DefaultMessageTimeToLive="P10675199DT2H48M5.4775807S")).queues
    assert queue.settings.time_to_live_seconds is None


def test_queues_and_subscriptions_may_require_sessions() -> None:
    parsed = config.parse(service_bus.entities())
    queues = {queue.name: queue for queue in parsed.queues}
    assert queues["sessions-0"].settings.requires_session
    assert queues["sessions-0"].ingress.requires_session
    assert not queues["plain-0"].settings.requires_session
    topic = parsed.topics[-1]
    assert topic.subscriptions[0].settings.requires_session
    assert not topic.ingress.requires_session


def test_topics_have_subscriptions_with_filters() -> None:
    [first, *_] = config.parse(service_bus.entities()).topics
    assert [s.name for s in first.subscriptions] == ["all", "also", "filtered"]
    assert first.subscriptions[2].filters == (
        settings.CorrelationFilter((("subject", "order"),), (("region", "eu"),)),
    )


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([], r"\$: an object is expected, not a list"),
        ({"Queues": []}, "'Queues' is not known here; known are UserConfig"),
        ({"UserConfig": {}}, "one namespace is expected"),
        (_of(Queues={}), r"Namespaces\[0\].Queues: a list is expected, not an object"),
        (_of(Queues=[{}]), r"Queues\[0\].Name: '' is not a name"),
        (_of(Queues=[{"Name": "/q"}]), "'/q' is not a name"),
        (_of(Queues=[{"Name": 1}]), "Name: a string is expected, not a number"),
        (_of(Queues=[{"Name": "q"}, {"Name": "Q"}]), "'Q' is used twice"),
        (_of(Queues=[{"Name": "q"}], Topics=[{"Name": "q"}]), "'q' is used twice"),
        (_of(Topics=[{"Name": "t", "Subscriptions": [{"Name": "s"}] * 2}]), "'s' is used twice"),
        (_queue(LockDuration="1m"), "LockDuration: '1m' is not an ISO 8601 duration"),
        (_queue(LockDuration="P"), "is not an ISO 8601 duration"),
        (_queue(LockDuration="PT0S"), "must be longer than nothing"),
        (_queue(LockDuration="P99999999D"), "a lock cannot last for ever"),
        (_queue(LockDuration=60), "LockDuration: a string is expected, not a number"),
        (_queue(MaxDeliveryCount=0), "MaxDeliveryCount: at least 1 is expected, not 0"),
        (_queue(MaxDeliveryCount=True), "MaxDeliveryCount: a number is expected"),
        (_queue(MaxDelivery=1), "'MaxDelivery' is not known here"),
        (_queue(RequiresSession="yes"), "RequiresSession: true or false is expected"),
        (_queue(ForwardTo="other"), "the development broker has no forwarding"),
    ],
)
def test_a_fault_is_named_with_its_place(value: Any, complaint: str) -> None:
    with pytest.raises(config.ConfigError, match=complaint):
        config.parse(value)


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"FilterType": "Sql"}, "correlation filters only"),
        ({"CorrelationFilter": {}}, "has to name a property"),
        ({"CorrelationFilter": {"Colour": "red"}}, "'Colour' is not known here"),
    ],
)
def test_a_filter_that_cannot_be_applied_is_refused(rule: Any, complaint: str) -> None:
    subscription = {"Name": "s", "Rules": [{"Name": "r", "Properties": rule}]}
    with pytest.raises(config.ConfigError, match=complaint):
        config.parse(_of(Topics=[{"Name": "t", "Subscriptions": [subscription]}]))


def test_a_file_is_read_and_named_in_complaints(tmp_path: Path) -> None:
    path = tmp_path / "servicebus.json"
    with pytest.raises(config.ConfigError, match=r"servicebus\.json cannot be read"):
        config.read(path)
    path.write_text("{")
    with pytest.raises(config.ConfigError, match=r"servicebus\.json is not JSON"):
        config.read(path)
    path.write_text(json.dumps(_queue(LockDuration="x")))
    with pytest.raises(config.ConfigError, match=r"servicebus\.json: .*LockDuration"):
        config.read(path)
    path.write_text(json.dumps(_queue()))
    assert [queue.name for queue in config.read(path).queues] == ["q"]


def test_a_file_may_have_a_byte_order_mark_and_no_other_encoding(tmp_path: Path) -> None:
    path = tmp_path / "entities.json"
    text = json.dumps({"UserConfig": {"Namespaces": [{"Name": "n", "Queues": [{"Name": "q"}]}]}})
    path.write_text(text, encoding="utf-8")
    plain = config.read(path)
    path.write_text(text, encoding="utf-8-sig")
    assert config.read(path) == plain
    path.write_text(text, encoding="utf-16")
    with pytest.raises(config.ConfigError, match="cannot be read"):
        config.read(path)


def test_the_entities_that_ship_are_in_order() -> None:
    shipped = config.read(Path(__file__).parents[5] / "localhost" / "servicebus.json")
    assert {"fanout-requests", "fanout-dead-letters"} <= {q.name for q in shipped.queues}
    assert [topic.name for topic in shipped.topics] == ["fanout-events"]
