"""Templates that attack take little memory and time, and end as what a caller can understand.

Each is rendered in a process with 256 MiB to grow by, which is killed when one template takes 20 s
of its time. Neither must happen: what stops a template is its budget, and never the process.
"""

import pytest

from tests.support.hostile.crossings import cross_operations
from tests.support.hostile.forms import any_chance, choose, is_long
from tests.support.hostile.renderer import Ending, render_apart
from tests.support.hostile.templates import (
    HostileTemplate,
    generate_templates,
    known_attacks,
    refused_templates,
)

MIB = 1024 * 1024
# 10 million letters of 4 bytes: in parts, joined, and as what is safe in HTML.
PEAK_BYTES = 128 * MIB
# What is raised at the check, and at rendering.
REFUSALS = {"TemplateError", "TemplateSyntaxError", "TemplateAssertionError"}
FAILURES = {"RenderError", "TemplateLimitError"}
# How many there are for each second that is asked for; and in one process.
PER_SECOND, AT_ONCE = 25, 1000
FIRST = 1


def endings(templates: list[HostileTemplate]) -> list[Ending]:
    """How each ended; fails with the one that the process died of."""
    ends = render_apart(templates)
    assert len(ends) == len(templates), templates[len(ends)]
    return ends


def harm(ending: Ending) -> str:
    """What a template has done that it must not; empty if it has done nothing."""
    if "MemoryError" in ending.error:
        return "it ran out of memory"
    if ending.peak_bytes > PEAK_BYTES:
        return f"it took {ending.peak_bytes // MIB} MiB"
    if ending.error and ending.error[0] not in REFUSALS | FAILURES:
        return f"it ended as {ending.error[0]}"
    return ""


def harms(ends: list[Ending]) -> dict[str, str]:
    return {ending.name: harm(ending) for ending in ends if harm(ending)}


@pytest.mark.chaos
def test_every_known_attack_is_stopped_before_it_takes_memory_or_time(chaos_seconds: float):
    attacks = known_attacks()
    ends = endings(choose(attacks, len(attacks) // 3, chaos_seconds))
    assert harms(ends) == {}
    assert [ending.name for ending in ends if not ending.error] == []


def test_what_cannot_be_compiled_is_refused_when_it_is_checked():
    ends = endings(refused_templates())
    assert harms(ends) == {}
    assert [ending.name for ending in ends if {*ending.error[:1]}.isdisjoint(REFUSALS)] == []


@pytest.mark.chaos
@pytest.mark.timeout(14_400)
def test_every_operation_is_bounded_whatever_it_is_given(chaos_seconds: float):
    count = int(chaos_seconds * PER_SECOND)
    first = FIRST if is_long(chaos_seconds) else any_chance().randrange(10**9)
    rendered = 0
    for begin in range(0, count, AT_ONCE):
        ends = endings(cross_operations(first + begin, min(AT_ONCE, count - begin)))
        assert harms(ends) == {}
        assert [ending.name for ending in ends if ending.characters] == []
        rendered += sum(not ending.error for ending in ends)
    assert rendered > count // 50


@pytest.mark.chaos
@pytest.mark.timeout(14_400)
def test_generated_templates_are_bounded_and_some_of_them_render(chaos_seconds: float):
    count = int(chaos_seconds * PER_SECOND)
    first = FIRST if is_long(chaos_seconds) else any_chance().randrange(10**9)
    rendered = 0
    for begin in range(first, first + count, AT_ONCE):
        some = min(AT_ONCE, first + count - begin)
        ends = endings(generate_templates(begin, some))
        assert harms(ends) == {}
        rendered += sum(not ending.error for ending in ends)
    print(f"{count} templates, of which {rendered} render")
    assert rendered > count // 50
