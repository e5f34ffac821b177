import asyncio
from contextvars import ContextVar

import pytest

from fanout.threads import ContextPool, call_in_thread

name: ContextVar[str] = ContextVar("name", default="nobody")


def test_threads_see_the_context_of_who_submits():
    token = name.set("caller")
    try:
        with ContextPool(2) as pool:
            assert [*pool.map(lambda _: name.get(), range(4))] == ["caller"] * 4
            assert pool.submit(name.get).result() == "caller"
    finally:
        name.reset(token)


def test_what_they_set_is_theirs():
    with ContextPool(1) as pool:
        pool.submit(name.set, "thread").result()
        assert pool.submit(name.get).result() == name.get() == "nobody"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "raised", [StopIteration(7), SystemExit(1), asyncio.CancelledError(), ValueError("a")]
)
async def test_whatever_a_function_in_a_thread_raises_is_heard(raised: BaseException):
    def fail() -> None:
        raise raised

    expected = RuntimeError if isinstance(raised, StopIteration) else type(raised)
    with pytest.raises(expected):
        await call_in_thread(fail)
    assert await call_in_thread(lambda number: number + 1, 1) == 2
