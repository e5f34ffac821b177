import pytest
from jinja2 import TemplateError

from workloads.notifications.sandbox.limits import MAX_DEPTH, MAX_LOOP_DEPTH, MAX_NODES
from workloads.notifications.templates import compile_template


def test_a_template_has_as_many_parts_as_the_limit_says():
    # The template, its one output, and the names.
    compile_template("{{a}}" * (MAX_NODES - 2))
    with pytest.raises(TemplateError, match=f"more than {MAX_NODES}"):
        compile_template("{{a}}" * (MAX_NODES - 1))


def test_loops_are_nested_as_deep_as_the_limit_says():
    compile_template("{% for a in b %}" * MAX_LOOP_DEPTH + "{% endfor %}" * MAX_LOOP_DEPTH)
    more = MAX_LOOP_DEPTH + 1
    with pytest.raises(TemplateError, match="loops are nested more than 10 deep"):
        compile_template("{% for a in b %}" * more + "{% endfor %}" * more)


@pytest.mark.parametrize("opening", ["[", "not ", "a if b else ", "a.b and not "])
def test_what_is_within_the_depth_compiles_and_what_is_beyond_is_refused(opening: str):
    closing = "]" if opening == "[" else ""
    fits = MAX_DEPTH // 3
    compile_template("{{ " + opening * fits + "1" + closing * fits + " }}")
    with pytest.raises(TemplateError, match="deep"):
        compile_template("{{ " + opening * 100 + "1" + closing * 100 + " }}")
