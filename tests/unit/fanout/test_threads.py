from contextvars import ContextVar

from fanout.threads import ContextPool

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
