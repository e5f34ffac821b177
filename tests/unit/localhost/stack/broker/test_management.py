"""What the management address answers to requests that no well-behaved client makes."""

from typing import Any
from uuid import UUID

import pytest

from localhost.stack.broker import settings
from localhost.stack.broker.management import Management
from localhost.stack.broker.message import Draft
from localhost.stack.broker.namespace import Namespace
from tests.support.services.broker import Clock, MemoryJournal


@pytest.fixture
def namespace() -> Namespace:
    declared = settings.Namespace(queues=(settings.Queue("q"),))
    return Namespace(
        declared,
        Clock(),
        MemoryJournal(),
        lambda filters: lambda content: True,
        lambda content: None,
    )


@pytest.mark.parametrize(
    ("address", "operation", "body", "status", "condition"),
    [
        ("q", "com.microsoft:make-coffee", {}, 501, "amqp:not-implemented"),
        ("q", "None", {}, 501, "amqp:not-implemented"),
        ("q", "com.microsoft:peek-message", None, 400, "com.microsoft:argument-error"),
        ("q", "com.microsoft:peek-message", {}, 400, "com.microsoft:argument-error"),
        (
            "absent",
            "com.microsoft:peek-message",
            {"from-sequence-number": 1, "message-count": 1},
            404,
            "amqp:not-found",
        ),
        (
            "q",
            "com.microsoft:schedule-message",
            {"messages": [{"message": b"junk"}]},
            400,
            "com.microsoft:argument-error",
        ),
        (
            "q",
            "com.microsoft:cancel-scheduled-message",
            {"sequence-numbers": [7]},
            404,
            "com.microsoft:message-not-found",
        ),
        (
            "q",
            "com.microsoft:renew-lock",
            {"lock-tokens": [UUID(int=0)]},
            410,
            "com.microsoft:message-lock-lost",
        ),
        (
            "q",
            "com.microsoft:update-disposition",
            {"disposition-status": "eaten", "lock-tokens": []},
            400,
            "com.microsoft:argument-error",
        ),
    ],
)
def test_a_request_that_cannot_be_met_is_answered_with_its_fault(
    namespace: Namespace, address: str, operation: str, body: Any, status: int, condition: str
) -> None:
    answer = Management(namespace).answer(address, operation, body)
    assert (answer.status, answer.condition) == (status, condition)
    assert answer.description


@pytest.mark.parametrize(
    ("status", "left", "dead"),
    [("completed", 0, 0), ("abandoned", 1, 0), ("defered", 1, 0), ("suspended", 0, 1)],
)
def test_a_disposition_settles_what_its_token_locks(
    namespace: Namespace, status: str, left: int, dead: int
) -> None:
    namespace.ingress("q").send(Draft(b""))
    lock = namespace.queue("q").receive()
    assert lock is not None
    body = {"disposition-status": status, "lock-tokens": [lock.token]}
    answer = Management(namespace).answer("q", "com.microsoft:update-disposition", body)
    assert answer.status == 200
    assert len(namespace.browse("q")) == left
    assert len(namespace.browse("q/$deadletterqueue")) == dead


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("sb://127.0.0.1:5672/q", 202),
        ("sb://localhost/Q/$management", 202),
        ("amqps://localhost/q/$DeadLetterQueue", 202),
        ("sb://localhost/other", 404),
        ("None", 404),
    ],
)
def test_a_token_is_good_for_an_entity_that_there_is(
    namespace: Namespace, name: str, status: int
) -> None:
    assert Management(namespace).authorize(name).status == status
