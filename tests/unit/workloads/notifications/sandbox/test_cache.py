"""Templates that are compiled are kept, and take no more memory together than they may."""

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError

from workloads.notifications.sandbox import cache as caches
from workloads.notifications.sandbox.cache import MAX_KEPT_NODES, TemplateCache
from workloads.notifications.sandbox.environment import MessageTemplate, Sandbox

ENVIRONMENT = Sandbox(is_html=False)


class Compiler:
    """Compiles, and notes what."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    def __call__(self, source: str, is_html: bool) -> MessageTemplate:
        self.sources.append(source)
        return ENVIRONMENT.compile_source(source)


def test_a_template_is_compiled_once_for_texts_and_once_for_html():
    compiler = Compiler()
    cache = TemplateCache(compiler)
    assert cache.get("{{ a }}", False) is cache.get("{{ a }}", False)
    assert cache.get("{{ a }}", True) is not cache.get("{{ a }}", False)
    assert compiler.sources == ["{{ a }}"] * 2


def test_long_texts_are_bounded_too():
    cache = TemplateCache(Compiler())
    for number in range(100):
        cache.get(str(number) + "x" * 60_000, False)
    cache.get("{{ a }}", False)
    assert 90 * 60_000 // 128 > MAX_KEPT_NODES >= cache.nodes > MAX_KEPT_NODES // 2


def test_what_is_no_template_is_not_kept():
    cache = TemplateCache(Compiler())
    for _ in range(2):
        try:
            cache.get("{{ a", False)
        except TemplateError:
            continue
        raise AssertionError("it is a template")
    assert cache.nodes == 0


@settings(max_examples=30)
@given(numbers=st.lists(st.integers(0, 9), max_size=60), room=st.integers(0, 60))
def test_the_last_used_are_kept_as_far_as_there_is_room(numbers: list[int], room: int):
    limit, caches.MAX_KEPT_NODES = caches.MAX_KEPT_NODES, room
    try:
        compiler = Compiler()
        cache = TemplateCache(compiler)
        for number in numbers:
            assert cache.get(f"{number}", False).render() == f"{number}"
            assert 0 <= cache.nodes <= room
    finally:
        caches.MAX_KEPT_NODES = limit
    # Each takes ten: eight, the template and its output with its text.
    size = 8 + 3
    expected: list[str] = []
    order: list[int] = []
    for number in numbers:
        if number not in order:
            expected.append(f"{number}")
        order = [*(other for other in order if other != number), number][-(room // size) :]
        order = order if room >= size else []
    assert compiler.sources == expected
