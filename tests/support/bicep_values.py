"""What an expression of a Bicep file comes to, with the parameters given: its functions in Python.

Only what the tests ask for is known; everything else is refused, and nothing guessed at.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tree_sitter import Node, Parser

from tests.support.bicep import LANGUAGE, BicepFile, Choice, Expression

Values = Mapping[str, Any]


class UnknownExpressionError(Exception):
    """The text has what is not known here."""


def worth(file: BicepFile, value: Any, given: Values) -> Any:
    """Work a value out; names are of `given`, or variables of the file."""
    if isinstance(value, Choice):
        chosen = value.yes if worth(file, Expression(value.condition), given) else value.no
        return worth(file, chosen, given)
    if isinstance(value, dict):
        return {name: worth(file, each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [worth(file, each, given) for each in value]
    if not isinstance(value, Expression):
        return value
    root = Parser(LANGUAGE).parse(f"var x = {value.text}\n".encode()).root_node
    return _worth(file, root.named_children[0].named_children[-1], given)


def _union(*some: Any) -> Any:
    """Of objects the later wins; of arrays each element once."""
    if isinstance(some[0], dict):
        return {name: each for one in some for name, each in one.items()}
    return list(dict.fromkeys(each for one in some for each in one))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "any": lambda value: value,
    "contains": lambda whole, part: part in whole,
    "empty": lambda value: not value,
    "filter": lambda values, wanted: [each for each in values if wanted(each)],
    "json": json.loads,
    "join": lambda values, mark: mark.join(values),
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, mark: text.split(mark),
    "toLower": lambda text: text.lower(),
    "union": _union,
}


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _worth(file: BicepFile, node: Node, given: Values) -> Any:
    text = _text(node)
    if text in given:  # a name, or one of what has names, such as `group.id`
        return given[text]
    if node.type == "identifier" and text in file.variables:
        return worth(file, file.variables[text], given)
    kind = KINDS.get(node.type)
    if kind is None:
        raise UnknownExpressionError(text)
    return kind(file, node, given)


def _string(file: BicepFile, node: Node, given: Values) -> str:
    """By bytes: to the syntax tree a blank before `${` is a part of that mark."""
    raw, at, found = node.text or b"", 1, ""
    for each in node.named_children:
        if each.type == "interpolation":
            begins = each.children[0].end_byte - len("${") - node.start_byte
            found += raw[at:begins].decode() + str(_worth(file, each.named_children[0], given))
            at = each.end_byte - node.start_byte
    return found + raw[at:-1].decode()


def _array(file: BicepFile, node: Node, given: Values) -> list[Any]:
    return [_worth(file, each, given) for each in node.named_children]


def _loop(file: BicepFile, node: Node, given: Values) -> list[Any]:
    name, over, body = node.named_children
    values = _worth(file, over, given)
    return [_worth(file, body, {**given, _text(name): each}) for each in values]


def _choice(file: BicepFile, node: Node, given: Values) -> Any:
    condition, yes, no = node.named_children
    return _worth(file, yes if _worth(file, condition, given) else no, given)


def _lambda(file: BicepFile, node: Node, given: Values) -> Callable[[Any], Any]:
    name, body = node.named_children
    return lambda value: _worth(file, body, {**given, _text(name): value})


def _call(file: BicepFile, node: Node, given: Values) -> Any:
    name, arguments = node.named_children
    if _text(name) not in FUNCTIONS:
        raise UnknownExpressionError(_text(node))
    return FUNCTIONS[_text(name)](*_array(file, arguments, given))


def _not(file: BicepFile, node: Node, given: Values) -> bool:
    if not _text(node).startswith("!"):
        raise UnknownExpressionError(_text(node))
    return not _worth(file, node.named_children[0], given)


def _both(file: BicepFile, node: Node, given: Values) -> bool:
    left, right = node.named_children
    between = _text(node)[len(_text(left)) : -len(_text(right))].strip()
    if between not in ("&&", "||"):
        raise UnknownExpressionError(_text(node))
    first = bool(_worth(file, left, given))
    return bool(_worth(file, right, given)) if first == (between == "&&") else first


KINDS: dict[str, Callable[[BicepFile, Node, Values], Any]] = {
    "array": _array,
    "binary_expression": _both,
    "call_expression": _call,
    "for_statement": _loop,
    "lambda_expression": _lambda,
    "string": _string,
    "ternary_expression": _choice,
    "unary_expression": _not,
}
