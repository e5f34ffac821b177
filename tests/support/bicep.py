"""Bicep files as data: what a test can ask of them where there is no compiler.

tree-sitter reads the syntax. A literal becomes the Python value, an object a dict, an array a list,
a conditional expression a `Choice`; whatever else is computed stays as its text, an `Expression`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

LANGUAGE = Language(tree_sitter_bicep.language())
# The second is an instruction to the compiler, as `#disable-next-line BCP037`.
COMMENTS = {"comment", "diagnostic_comment"}
LITERALS = {"boolean", "null", "number"}


class BicepSyntaxError(Exception):
    """A file is no Bicep; the message says where."""


@dataclass(frozen=True)
class Expression:
    """What only a deployment can compute, as it is written."""

    text: str


@dataclass(frozen=True)
class Choice:
    """`condition ? yes : no`."""

    condition: str
    yes: Any
    no: Any


@dataclass(frozen=True)
class Declaration:
    """A parameter, variable, output, resource or module.

    Attributes:
        of: The type and API version of a resource, the path of a module, the type of the others.
        value: Default of a parameter, body of a resource or module; None where there is none.
        has_default: Whether a parameter may be left out.
        condition: Of `if (...)`.
        over: What a `[for ...]` goes over.
    """

    symbol: str
    of: str
    value: Any = None
    decorators: dict[str, list[Any]] = field(default_factory=dict)
    has_default: bool = False
    is_existing: bool = False
    condition: str | None = None
    over: Any = None

    @property
    def type(self) -> str:
        """The type of a resource, without its API version."""
        return self.of.partition("@")[0]

    @property
    def properties(self) -> dict[str, Any]:
        """The `properties` of a resource."""
        found: dict[str, Any] = self.value["properties"]
        return found


@dataclass(frozen=True)
class BicepFile:
    """What a file declares, by symbol."""

    path: Path
    params: dict[str, Declaration]
    variables: dict[str, Any]
    resources: dict[str, Declaration]
    modules: dict[str, Declaration]
    outputs: dict[str, Declaration]
    references: frozenset[str]

    def of_type(self, resource_type: str) -> list[Declaration]:
        """The resources of a type that the file makes."""
        made = (each for each in self.resources.values() if not each.is_existing)
        return [each for each in made if each.type == resource_type]

    def only(self, resource_type: str) -> Declaration:
        """The one resource of a type."""
        (found,) = self.of_type(resource_type)
        return found

    def resolved(self, value: Any) -> Any:
        """A value, with the variables that it is put in place of their names."""
        if isinstance(value, Expression) and value.text in self.variables:
            return self.resolved(self.variables[value.text])
        return value


def read_bicep(path: Path) -> BicepFile:
    """Read a file.

    Raises:
        BicepSyntaxError: It is no Bicep.
    """
    root = Parser(LANGUAGE).parse(path.read_bytes()).root_node
    for node in _every(root):
        if node.is_error or node.is_missing:
            row, column = node.start_point
            raise BicepSyntaxError(f"{path.name}:{row + 1}:{column + 1}: {_text(node)[:60]}")
    found: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("parameter", "variable", "resource", "module", "output")
    }
    decorators: dict[str, list[Any]] = {}
    for node in root.named_children:
        kind = node.type.removesuffix("_declaration")
        if node.type == "decorators":
            decorators = dict(_decorator(each) for each in node.named_children)
        elif kind in found:
            declared = _declaration(node, kind, decorators)
            if declared.symbol in found[kind]:
                raise BicepSyntaxError(f"{path.name}: '{declared.symbol}' is declared twice")
            found[kind][declared.symbol] = declared.value if kind == "variable" else declared
            decorators = {}
    return BicepFile(
        path,
        found["parameter"],
        found["variable"],
        found["resource"],
        found["module"],
        found["output"],
        frozenset(_references(root)),
    )


def item_of_loop(value: Expression) -> Any:
    """What a `[for ...]` makes each time; None if the expression is no loop."""
    root = Parser(LANGUAGE).parse(f"var loop = {value.text}\n".encode()).root_node
    body = root.named_children[0].named_children[-1]
    return _value(_unwrapped(body)[0]) if body.type == "for_statement" else None


def _declaration(node: Node, kind: str, decorators: dict[str, list[Any]]) -> Declaration:
    children = [each for each in node.named_children if each.type not in COMMENTS]
    symbol = _text(children[0])
    if kind == "variable":
        return Declaration(symbol, "", _value(children[1]))
    of = _value(children[1])
    of = of.text if isinstance(of, Expression) else of
    body = children[2] if len(children) > 2 else None
    condition = over = None
    if kind in ("resource", "module") and body is not None:
        body, condition, over = _unwrapped(body)
    return Declaration(
        symbol,
        of,
        None if body is None else _value(body),
        decorators,
        has_default=body is not None,
        is_existing=any(each.type == "existing" for each in node.children),
        condition=condition,
        over=over,
    )


def _unwrapped(body: Node) -> tuple[Node, str | None, Any]:
    condition = over = None
    while body.type in ("for_statement", "if_statement"):
        inner = body.named_children[-1]
        if body.type == "for_statement":
            over = _value(body.named_children[-2])
        else:
            condition = _text(body.named_children[0])[1:-1]
        body = inner
    return body, condition, over


def _decorator(node: Node) -> tuple[str, list[Any]]:
    call = node.named_children[0]
    arguments = call.named_children[1].named_children
    return _text(call.named_children[0]), [_value(each) for each in arguments]


def _value(node: Node) -> Any:
    if node.type == "string":
        return _string(node)
    if node.type == "object":
        return dict(_property(each) for each in node.named_children if each.type not in COMMENTS)
    if node.type == "array":
        return [_value(each) for each in node.named_children if each.type not in COMMENTS]
    if node.type == "ternary_expression":
        condition, yes, no = node.named_children
        return Choice(_text(condition), _value(yes), _value(no))
    if node.type in LITERALS:
        text = _text(node)
        return {"true": True, "false": False, "null": None}[text] if text.isalpha() else int(text)
    return Expression(_text(node))


def _string(node: Node) -> Any:
    if any(each.type == "interpolation" for each in node.named_children):
        return Expression(_text(node))
    return "".join(
        _text(each)[1:] if each.type == "escape_sequence" else _text(each)
        for each in node.named_children
    )


def _property(node: Node) -> tuple[str, Any]:
    key, value = node.named_children[0], node.named_children[-1]
    name = _value(key) if key.type == "string" else _text(key)
    return name.text if isinstance(name, Expression) else name, _value(value)


def _references(root: Node) -> Iterator[str]:
    """Every name that is used, and not declared, in the file."""
    for node in _every(root):
        if node.type != "identifier" or node.parent is None:
            continue
        is_key = node.parent.type == "object_property" and node.parent.named_children[0] == node
        is_declared = node.parent.type.endswith("_declaration") and (
            node.parent.named_children[0] == node
        )
        if not is_key and not is_declared:
            yield _text(node)


def _every(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _every(child)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
