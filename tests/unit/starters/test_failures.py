"""What a starter raises is told to the host as it is, or in words."""

import asyncio

import pytest
from aiohttp import ServerDisconnectedError
from azure.core.exceptions import ServiceRequestError
from pydantic import BaseModel, ValidationError

from fanout.errors import FieldProblem, InvalidRequestError
from starters.failures import StartError, find_failure, insist_on, is_fault


async def fail(error: BaseException) -> None:
    raise error


async def test_work_that_succeeds_has_no_failure():
    assert await find_failure(asyncio.sleep(0)) is None
    await insist_on(asyncio.sleep(0))


async def test_what_a_worker_can_tell_is_raised_as_it_is():
    error = InvalidRequestError([FieldProblem("source", "is gone")])
    with pytest.raises(InvalidRequestError) as raised:
        await insist_on(fail(error))
    assert raised.value is error


@pytest.mark.parametrize(
    "error",
    [SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError(), StopAsyncIteration("x")],
    ids=lambda error: type(error).__name__,
)
async def test_what_would_end_a_worker_is_told_in_words(error: BaseException):
    with pytest.raises(Exception) as told:
        await insist_on(fail(error))
    assert type(error).__name__ in f"{type(told.value).__name__}: {told.value}"


async def test_text_that_no_utf8_can_hold_is_escaped():
    with pytest.raises(StartError, match=r"ValueError: caf\\udce9"):
        await insist_on(fail(ValueError("caf\udce9")))


def invalid() -> ValidationError:
    class Model(BaseModel):
        field: int

    with pytest.raises(ValidationError) as raised:
        Model.model_validate({})
    return raised.value


FAULTS = [RecursionError(), MemoryError(), KeyError("a"), UnicodeError(), SystemExit(), invalid()]
AWAY = [
    ServiceRequestError("no route"),
    ServerDisconnectedError(),
    ConnectionRefusedError(),
    TimeoutError(),
    Exception("the SDK's"),
]


@pytest.mark.parametrize("error", [*FAULTS, *AWAY], ids=lambda error: type(error).__name__)
def test_a_service_that_is_away_is_told_from_a_fault(error: BaseException):
    assert is_fault(error) == (error in FAULTS)
