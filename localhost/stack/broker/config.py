"""Reads the entities from JSON in the shape of the configuration of Microsoft's emulator.

What the broker cannot do (forwarding, SQL filters) is refused here rather than ignored.
Source: https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from localhost.stack.broker import settings

T = TypeVar("T")

_DURATION = re.compile(
    r"P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNIT_SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
# From here on a duration means "for ever": .NET's longest TimeSpan has 10,675,199 days.
_FOREVER_SECONDS = 10_000_000 * 86400
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?")

_SYSTEM = {
    "ContentType": "content-type",
    "CorrelationId": "correlation-id",
    "Label": "subject",
    "MessageId": "message-id",
    "ReplyTo": "reply-to",
    "ReplyToSessionId": "reply-to-group-id",
    "SessionId": "group-id",
    "To": "to",
}
_INGRESS = {
    "DefaultMessageTimeToLive",
    "DuplicateDetectionHistoryTimeWindow",
    "RequiresDuplicateDetection",
}
_HOLDING = {
    "DeadLetteringOnMessageExpiration",
    "DefaultMessageTimeToLive",
    "ForwardDeadLetteredMessagesTo",
    "ForwardTo",
    "LockDuration",
    "MaxDeliveryCount",
    "RequiresSession",
}
_ABSENT = {
    "ForwardDeadLetteredMessagesTo": "forwarding",
    "ForwardTo": "forwarding",
}


class ConfigError(Exception):
    """The configuration is wrong; the message names the place."""


class Reader:
    """A JSON object and where it is; takes values out of it with their types checked."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{place}: an object is expected, not {_kind(value)}.")
        self._values = value
        self.place = place

    def allow(self, names: set[str]) -> None:
        """Refuse any other name."""
        for name in self._values:
            if name not in names:
                known = ", ".join(sorted(names))
                raise ConfigError(f"{self.place}: '{name}' is not known here; known are {known}.")

    def get(self, name: str, kind: type[T], default: T) -> T:
        """The value of this name."""
        value = self._values.get(name, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            expected = _kind(kind())
            raise ConfigError(f"{self.place}.{name}: {expected} is expected, not {_kind(value)}.")
        return value

    def seconds(self, name: str, default: float | None) -> float | None:
        """A duration; None: for ever."""
        text = self.get(name, str, "")
        if not text:
            return default
        match = _DURATION.fullmatch(text)
        if match is None or not any(match.groups()):
            raise ConfigError(
                f"{self.place}.{name}: '{text}' is not an ISO 8601 duration such as PT1M."
            )
        parts = match.groupdict(default="0")
        total = sum(float(parts[unit]) * seconds for unit, seconds in _UNIT_SECONDS.items())
        if total <= 0:
            raise ConfigError(f"{self.place}.{name}: '{text}' must be longer than nothing.")
        return None if total >= _FOREVER_SECONDS else total

    def object(self, name: str) -> "Reader":
        """An object, empty if it is absent."""
        return Reader(self._values.get(name, {}), f"{self.place}.{name}")

    def objects(self, name: str) -> list["Reader"]:
        """A list of objects, empty if it is absent."""
        values: Sequence[Any] = self.get(name, list, [])
        return [Reader(value, f"{self.place}.{name}[{i}]") for i, value in enumerate(values)]

    def entity(self, properties: set[str], others: set[str] = frozenset()) -> "Reader":  # type: ignore[assignment]
        """Check the names of an entity and return its properties."""
        self.allow({"Name", "Properties"} | others)
        reader = self.object("Properties")
        reader.allow(properties)
        return reader

    def name(self) -> str:
        """The entity's name."""
        name = self.get("Name", str, "")
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{self.place}.Name: '{name}' is not a name: letters, digits, '.', '-', '_' and "
                "'/', a letter or digit at each end, at most 260."
            )
        return name


def read(path: Path) -> settings.Namespace:
    """Read the entities from a file.

    Raises:
        ConfigError: It is missing, is not JSON, or declares something that cannot be.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path} cannot be read: {reason}.") from error
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}.") from error
    try:
        return parse(value)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(value: Any) -> settings.Namespace:
    """Read the entities.

    Raises:
        ConfigError: They cannot be so.
    """
    root = Reader(value, "$")
    root.allow({"UserConfig"})
    user = root.object("UserConfig")
    user.allow({"Namespaces", "Logging"})
    namespaces = user.objects("Namespaces")
    if len(namespaces) != 1:
        raise ConfigError(f"{user.place}.Namespaces: one namespace is expected.")
    namespace = namespaces[0]
    namespace.allow({"Name", "Queues", "Topics"})
    queues = tuple(_queue(each) for each in namespace.objects("Queues"))
    topics = tuple(_topic(each) for each in namespace.objects("Topics"))
    _refuse_twins(namespace.place, [each.name for each in queues] + [each.name for each in topics])
    return settings.Namespace(queues, topics)


def _queue(reader: Reader) -> settings.Queue:
    properties = reader.entity(_INGRESS | _HOLDING)
    return settings.Queue(reader.name(), _ingress(properties), _holding(properties))


def _topic(reader: Reader) -> settings.Topic:
    properties = reader.entity(_INGRESS, {"Subscriptions"})
    subscriptions = tuple(_subscription(each) for each in reader.objects("Subscriptions"))
    _refuse_twins(reader.place, [each.name for each in subscriptions])
    return settings.Topic(reader.name(), _ingress(properties), subscriptions)


def _subscription(reader: Reader) -> settings.Subscription:
    properties = reader.entity(_HOLDING, {"Rules"})
    filters = tuple(_filter(each) for each in reader.objects("Rules"))
    return settings.Subscription(reader.name(), _holding(properties), filters)


def _ingress(reader: Reader) -> settings.IngressSettings:
    window = reader.seconds("DuplicateDetectionHistoryTimeWindow", 600.0)
    return settings.IngressSettings(
        duplicate_window_seconds=(
            window if reader.get("RequiresDuplicateDetection", bool, False) else None
        ),
        time_to_live_seconds=reader.seconds("DefaultMessageTimeToLive", None),
        requires_session=reader.get("RequiresSession", bool, False),
    )


def _holding(reader: Reader) -> settings.QueueSettings:
    _refuse_absent(reader)
    most = reader.get("MaxDeliveryCount", int, settings.DEFAULT_MAX_DELIVERY_COUNT)
    if most < 1:
        raise ConfigError(f"{reader.place}.MaxDeliveryCount: at least 1 is expected, not {most}.")
    lock = reader.seconds("LockDuration", settings.DEFAULT_LOCK_SECONDS)
    if lock is None:
        raise ConfigError(f"{reader.place}.LockDuration: a lock cannot last for ever.")
    return settings.QueueSettings(
        lock_seconds=lock,
        max_delivery_count=most,
        time_to_live_seconds=reader.seconds("DefaultMessageTimeToLive", None),
        dead_letters_expired=reader.get("DeadLetteringOnMessageExpiration", bool, False),
        requires_session=reader.get("RequiresSession", bool, False),
    )


def _refuse_absent(reader: Reader) -> None:
    for name, what in _ABSENT.items():
        if reader.get(name, str, ""):
            raise ConfigError(f"{reader.place}.{name}: the development broker has no {what}.")


def _filter(reader: Reader) -> settings.CorrelationFilter:
    properties = reader.entity({"FilterType", "CorrelationFilter", "SqlFilter", "Action"})
    if properties.get("FilterType", str, "Correlation") != "Correlation":
        raise ConfigError(
            f"{properties.place}.FilterType: the development broker has correlation filters only."
        )
    filter_reader = properties.object("CorrelationFilter")
    filter_reader.allow({*_SYSTEM, "Properties"})
    system = tuple(
        (field, value)
        for name, field in _SYSTEM.items()
        if (value := filter_reader.get(name, str, ""))
    )
    application = tuple(filter_reader.get("Properties", dict, {}).items())
    if not system and not application:
        raise ConfigError(f"{filter_reader.place}: a filter has to name a property.")
    return settings.CorrelationFilter(system, application)


def _refuse_twins(place: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise ConfigError(f"{place}: the name '{name}' is used twice.")
        seen.add(name.lower())


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")
