"""What bindings, host.json and the app's settings say about a Service Bus trigger.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-service-bus
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from localhost.bindings.connections import ServiceBusConnection
from localhost.execution.contract import FunctionInfo
from localhost.time_spans import parse_time_span

TRIGGER = "serviceBusTrigger"


class ServiceBusTriggerError(Exception):
    """A Service Bus function cannot be run; the message names it, the setting and why."""


@dataclass(frozen=True)
class Limits:
    """The `serviceBus` section of host.json; names and defaults are those of the extension.

    Attributes:
        max_batch_wait: How long a batch waits for `min_batch_size` messages.
        max_renewal: How long locks are renewed while a call runs; single messages only.
        session_idle: How long a session without messages is kept.
    """

    prefetch_count: int = 0
    max_concurrent_calls: int = 16
    max_batch_size: int = 1000
    min_batch_size: int = 1
    max_batch_wait: timedelta = timedelta(seconds=30)
    auto_complete: bool = True
    max_renewal: timedelta = timedelta(minutes=5)
    max_concurrent_sessions: int = 8
    session_idle: timedelta = timedelta(minutes=1)

    @classmethod
    def from_host_json(cls, section: Mapping[str, Any]) -> "Limits":
        """Read the section.

        Raises:
            ServiceBusTriggerError: A value is of the wrong kind; the message names it.
        """
        limits = cls(
            prefetch_count=_number(section, "prefetchCount", cls.prefetch_count, least=0),
            max_concurrent_calls=_number(section, "maxConcurrentCalls", cls.max_concurrent_calls),
            max_batch_size=_number(section, "maxMessageBatchSize", cls.max_batch_size),
            min_batch_size=_number(section, "minMessageBatchSize", cls.min_batch_size),
            max_batch_wait=_span(section, "maxBatchWaitTime", cls.max_batch_wait),
            auto_complete=_flag(section, "autoCompleteMessages", cls.auto_complete),
            max_renewal=_span(section, "maxAutoLockRenewalDuration", cls.max_renewal),
            max_concurrent_sessions=_number(
                section, "maxConcurrentSessions", cls.max_concurrent_sessions
            ),
            session_idle=_span(section, "sessionIdleTimeout", cls.session_idle),
        )
        if limits.min_batch_size > limits.max_batch_size:
            raise _field_error("minMessageBatchSize", "it is more than maxMessageBatchSize")
        return limits


@dataclass(frozen=True)
class Source:
    """What a Service Bus function receives from.

    Attributes:
        auto_complete: Whether the host settles what was received with success.
        has_sessions: Whether messages are received by sessions.
        is_binary: Whether the function asks for bytes.
    """

    function: str
    connection: ServiceBusConnection
    is_batched: bool
    auto_complete: bool
    queue: str | None = None
    topic: str | None = None
    subscription: str | None = None
    has_sessions: bool = False
    is_binary: bool = False

    @classmethod
    def from_trigger(
        cls, info: FunctionInfo, environment: Mapping[str, str], limits: Limits
    ) -> "Source":
        """Read a trigger.

        Raises:
            ServiceBusTriggerError: It names no entity.
            BindingError: Its connection names no setting.
        """
        trigger = info.trigger
        queue, topic = trigger.get("queueName"), trigger.get("topicName")
        subscription = trigger.get("subscriptionName")
        if not queue and not (topic and subscription):
            raise ServiceBusTriggerError(
                f"Function '{info.name}': its trigger names neither a queue nor a topic with a "
                "subscription."
            )
        return cls(
            function=info.name,
            connection=ServiceBusConnection.of_binding(info, trigger, environment),
            is_batched=trigger.get("cardinality") == "many",
            auto_complete=bool(trigger.get("autoCompleteMessages", limits.auto_complete)),
            queue=queue,
            topic=topic,
            subscription=subscription,
            has_sessions=bool(trigger.get("isSessionsEnabled")),
            is_binary=trigger.get("dataType") == "binary",
        )

    @property
    def path(self) -> str:
        """The entity's path, for the log."""
        return self.queue or f"{self.topic}/Subscriptions/{self.subscription}"


def service_bus_functions(functions: Sequence[FunctionInfo]) -> list[FunctionInfo]:
    """Those of the functions that Service Bus triggers."""
    return [info for info in functions if info.trigger_type == TRIGGER]


def _number(section: Mapping[str, Any], key: str, default: int, least: int = 1) -> int:
    value = section.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _field_error(key, f"{value!r} is no whole number of at least {least}")
    return value


def _flag(section: Mapping[str, Any], key: str, default: bool) -> bool:
    value = section.get(key, default)
    if not isinstance(value, bool):
        raise _field_error(key, f"{value!r} is neither true nor false")
    return value


def _span(section: Mapping[str, Any], key: str, default: timedelta) -> timedelta:
    if key not in section:
        return default
    span = parse_time_span(str(section[key]))
    if span is None or span < timedelta(0):
        raise _field_error(key, f"{section[key]!r} is no time span such as '00:05:00'")
    return span


def _field_error(key: str, reason: str) -> ServiceBusTriggerError:
    return ServiceBusTriggerError(f"host.json: 'extensions.serviceBus.{key}': {reason}.")
