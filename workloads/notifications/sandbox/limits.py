"""What a template may be: its nodes, how deep they are, and its numbers."""

from collections.abc import Iterator
from math import isfinite

from jinja2 import TemplateError, TemplateSyntaxError, nodes

from workloads.notifications.sandbox.numbers import MAX_BITS

MAX_NODES = 2000
MAX_DEPTH = 60
MAX_LOOP_DEPTH = 10
_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_KINDS = (
    nodes.Template,
    nodes.Output,
    nodes.For,
    nodes.If,
    nodes.Macro,
    nodes.CallBlock,
    nodes.FilterBlock,
    nodes.With,
    nodes.Block,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.ExprStmt,
    nodes.Scope,
    nodes.ScopedEvalContextModifier,
    nodes.Name,
    nodes.NSRef,
    nodes.Literal,
    nodes.Pair,
    nodes.Keyword,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Call,
    nodes.Getitem,
    nodes.Getattr,
    nodes.Slice,
    nodes.Operand,
    nodes.Compare,
    nodes.BinExpr,
    nodes.UnaryExpr,
    nodes.Concat,
)


def check_tree(tree: nodes.Template) -> int:
    """Refuse a template with more in it than a message needs; give the number of its nodes.

    Raises:
        TemplateError: It has too many nodes, they are nested too deep, or one is not for messages.
    """
    count = 0
    for count, (node, depth, loops) in enumerate(_walk(tree), 1):
        if count > MAX_NODES:
            raise TemplateError(f"it has more than {MAX_NODES} texts, names, operators and tags")
        if depth > MAX_DEPTH:
            raise _fault(node, f"it is nested more than {MAX_DEPTH} deep")
        if loops > MAX_LOOP_DEPTH:
            raise _fault(node, f"loops are nested more than {MAX_LOOP_DEPTH} deep")
        _check_node(node)
    return count


def _walk(tree: nodes.Template) -> Iterator[tuple[nodes.Node, int, int]]:
    """Yield each node, how deep it is, and how many loops it is in."""
    rest: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while rest:
        node, depth, loops = rest.pop()
        yield node, depth, loops
        loops += isinstance(node, nodes.For)
        rest += [(child, depth + 1, loops) for child in node.iter_child_nodes()]


def _check_node(node: nodes.Node) -> None:
    if isinstance(node, _FILES):
        raise TemplateError("a template cannot include, import or extend another")
    if not isinstance(node, _KINDS):
        raise _fault(node, f"a template cannot have a {type(node).__name__}")
    if isinstance(node, nodes.Pow):
        raise _fault(node, "a template cannot have powers (**)")
    if isinstance(node, nodes.Const):
        _check_number(node)
    if isinstance(node, nodes.ScopedEvalContextModifier):
        _check_modifier(node)


def _check_number(node: nodes.Const) -> None:
    value = node.value
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise _fault(node, f"a number has more than {MAX_BITS} bits")
    if isinstance(value, float) and not isfinite(value):
        raise _fault(node, "a number is beyond the largest, about 1.8e308")


def _check_modifier(node: nodes.ScopedEvalContextModifier) -> None:
    """`autoescape` by a value that is known: else the code would have both ways all over."""
    if not all(isinstance(option.value, nodes.Const) for option in node.options):
        raise _fault(node, "write 'autoescape true' or 'autoescape false'")


def _fault(node: nodes.Node, message: str) -> TemplateSyntaxError:
    return TemplateSyntaxError(message, node.lineno or 1)
