"""A template's tree with a price before everything that works.

Operators become filters of ours, whose names begin with `#`, which no template can write; each body
that may run again (of a loop, a macro, a block) begins with the price of one turn. The compiler of
Jinja does not work out at compile time what needs the context of a rendering, as these do.
"""

from collections.abc import Iterable
from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from workloads.notifications.sandbox.budget import STEP

_NODE = 4
_LONG_TEXT = 256
_Repeat = nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block
_REPEATS = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)


def price_tree(tree: nodes.Template) -> None:
    """Put a price before every operation of a template, in its tree."""
    _Pricing().visit(tree)


def _price(node: nodes.Node | None, name: str, *args: Any) -> nodes.Filter:
    lineno = None if node is None else node.lineno
    return nodes.Filter(node, name, list(args), [], None, None, lineno=lineno)


def _measure_block(last: nodes.Filter | None, block: nodes.Node) -> nodes.Filter:
    """The filters of a block's text, before the first of which its length is looked at."""
    first = nodes.Filter(None, "#text", [], [], None, None, lineno=block.lineno)
    if last is None:
        return first
    inner = last
    while isinstance(inner.node, nodes.Filter):
        inner = inner.node
    inner.node = first
    return last


class _Pricing(NodeTransformer):
    def __init__(self) -> None:
        self._repeats = 0

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [self._price_output(child) for child in node.nodes]
        return node

    def _price_output(self, child: nodes.Expr) -> nodes.Expr:
        if isinstance(child, nodes.TemplateData) and not (self._repeats and _is_long(child)):
            return child
        return _price(child, "#output")

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [_price(child, "#output") for child in node.nodes]
        return _price(node, "#text")

    def visit_For(self, node: nodes.For) -> nodes.Node:
        units = 0 if node.test is None else _weigh_turn([node.test])
        self._price_turns(node, node.body)
        if node.test is not None:
            node.test = _price(node.test, "#turn", nodes.Const(units))
        return node

    def visit_Macro(self, node: nodes.Macro | nodes.CallBlock) -> nodes.Node:
        return self._price_turns(node, [*node.defaults, *node.body])

    visit_CallBlock = visit_Macro

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        return self._price_turns(node, node.body)

    def _price_turns(self, node: _Repeat, body: list[nodes.Node]) -> nodes.Node:
        turn = _turn(node, body)
        self._repeats += 1
        self.generic_visit(node)
        self._repeats -= 1
        node.body = [turn, *node.body]
        return node

    def visit_FilterBlock(self, node: nodes.FilterBlock) -> nodes.Node:
        self.generic_visit(node)
        node.filter = _price(_measure_block(node.filter, node), "#output")
        return node

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:
        self.generic_visit(node)
        node.filter = _measure_block(node.filter, node)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _price(node.expr, "#operand")
        for operand in node.ops:
            kind = "#container" if operand.op in ("in", "notin") else "#operand"
            operand.expr = _price(operand.expr, kind)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _price(node.node, "#slice", *(bound or nodes.Const(None) for bound in bounds))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _price(node, "#sequence")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _price(node, "#sequence") if node.ctx == "load" else node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        if not node.items:
            return _price(node, "#sequence")
        first, *rest = [part for pair in node.items for part in (pair.key, pair.value)]
        return _price(first, "#mapping", *rest)


def _turn(node: nodes.Node, body: Iterable[nodes.Node]) -> nodes.ExprStmt:
    """The statement that charges one turn: its nodes, and the texts that it writes."""
    price = _price(nodes.Const(None), "#turn", nodes.Const(_weigh_turn(body)))
    return nodes.ExprStmt(price, lineno=node.lineno)


def _weigh_turn(body: Iterable[nodes.Node]) -> int:
    return STEP + sum(_weigh_node(child, has_texts=True) for child in body)


def _weigh_node(node: nodes.Node, *, has_texts: bool) -> int:
    """What a node costs in each turn, less long texts and those of a body with a price itself."""
    has_texts = has_texts and not isinstance(node, _REPEATS)
    below = sum(_weigh_node(child, has_texts=has_texts) for child in node.iter_child_nodes())
    if has_texts and isinstance(node, nodes.TemplateData) and not _is_long(node):
        below += len(node.data)
    return _NODE + below


def _is_long(text: nodes.TemplateData) -> bool:
    """Whether a text is charged where it is written: it may be in a branch that is seldom taken."""
    return len(text.data) > _LONG_TEXT
