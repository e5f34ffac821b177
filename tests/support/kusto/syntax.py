"""The part of the Kusto Query Language that the template's queries are written in, as a tree.

What is not named here is refused: a query that uses more has to bring its meaning along.

Source: https://learn.microsoft.com/kusto/query/
"""

import re
from dataclasses import dataclass
from typing import NoReturn

TOKEN = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
  | (?P<span>\d+[smhd]\b)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign>==|!=|>=|<=|[-+*/<>=(),|.\[\]])
    """,
    re.VERBOSE,
)
COMPARISONS = ("==", "!=", ">=", "<=", ">", "<", "startswith", "contains")
KEYWORDS = ("and", "or", "by", "asc", "desc", *COMPARISONS)


class KustoSyntaxError(Exception):
    """A query is no Kusto, or more of it than is known here."""


@dataclass(frozen=True)
class Literal:
    """A number, a text, true or false."""

    value: float | int | str | bool


@dataclass(frozen=True)
class Span:
    """A length of time, as it is written: `15m`."""

    text: str


@dataclass(frozen=True)
class Name:
    """A column."""

    text: str


@dataclass(frozen=True)
class Member:
    """What a dynamic value has under a key."""

    of: "Expression"
    key: str


@dataclass(frozen=True)
class Call:
    """A function of its arguments."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True)
class Binary:
    """Two values and what is between them."""

    sign: str
    left: "Expression"
    right: "Expression"


Expression = Literal | Span | Name | Member | Call | Binary
Column = tuple[str, Expression]


@dataclass(frozen=True)
class Table:
    """Where rows come from."""

    name: str


@dataclass(frozen=True)
class Union:
    """The rows of several pipelines."""

    legs: tuple["Pipeline", ...]


@dataclass(frozen=True)
class Where:
    """The rows for which it holds."""

    condition: Expression


@dataclass(frozen=True)
class Project:
    """Columns in place of those before, or beside them."""

    columns: tuple[Column, ...]
    keeps_others: bool


@dataclass(frozen=True)
class Summarize:
    """One row for each group, or for all."""

    aggregates: tuple[Column, ...]
    groups: tuple[Column, ...]


@dataclass(frozen=True)
class Order:
    """The rows in an order."""

    by: Expression
    descends: bool


@dataclass(frozen=True)
class Take:
    """The first rows."""

    count: int


@dataclass(frozen=True)
class Pipeline:
    """A source, and what is done with its rows one after the other."""

    source: Table | Union
    steps: tuple[Where | Project | Summarize | Order | Take, ...]


def parse(query: str) -> Pipeline:
    """The tree of a query."""
    reader = _Reader(query)
    found = reader.pipeline()
    if reader.token != "":
        reader.refuse("the end")
    return found


class _Reader:
    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(query):
            match = TOKEN.match(query, at)
            if match is None:
                raise KustoSyntaxError(f"{query[at : at + 20]!r} of {query!r}")
            if match.lastgroup != "blank":
                self.tokens.append((str(match.lastgroup), match.group()))
            at = match.end()
        self.tokens.append(("end", ""))
        self.at = 0

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def token(self) -> str:
        return self.tokens[self.at][1]

    def refuse(self, wanted: str) -> NoReturn:
        raise KustoSyntaxError(f"{self.token!r} where {wanted} is wanted, in {self.query!r}")

    def take(self) -> str:
        token = self.token
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        if self.token == token:
            self.at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.skip(token):
            self.refuse(repr(token))

    def pipeline(self) -> Pipeline:
        source = self.union() if self.token == "union" else Table(self.name())
        steps = []
        while self.skip("|"):
            steps.append(self.step())
        return Pipeline(source, tuple(steps))

    def union(self) -> Union:
        self.expect("union")
        if self.skip("isfuzzy"):
            self.expect("=")
            self.expect("true")
        legs = [self.leg()]
        while self.skip(","):
            legs.append(self.leg())
        return Union(tuple(legs))

    def leg(self) -> Pipeline:
        self.expect("(")
        found = self.pipeline()
        self.expect(")")
        return found

    def step(self) -> Where | Project | Summarize | Order | Take:
        match self.name():
            case "where":
                return Where(self.expression())
            case "project":
                return Project(self.columns(), keeps_others=False)
            case "extend":
                return Project(self.columns(), keeps_others=True)
            case "summarize":
                aggregates = self.columns()
                return Summarize(aggregates, self.columns() if self.skip("by") else ())
            case "order":
                self.expect("by")
                by = self.expression()
                # Kusto sorts downwards unless it is told otherwise.
                return Order(by, descends=self.skip("desc") or not self.skip("asc"))
            case "take":
                return Take(int(self.take()))
            case other:
                raise KustoSyntaxError(f"the operator {other!r} of {self.query!r}")

    def columns(self) -> tuple[Column, ...]:
        found = [self.column()]
        while self.skip(","):
            found.append(self.column())
        return tuple(found)

    def column(self) -> Column:
        if self.kind == "name" and self.tokens[self.at + 1][1] == "=":
            name = self.name()
            self.expect("=")
            return name, self.expression()
        value = self.expression()
        match value:
            case Name(text) | Call("bin", (Name(text), Span())):
                return text, value
        raise KustoSyntaxError(f"a column without a name in {self.query!r}")

    def name(self) -> str:
        if self.kind != "name" or self.token in KEYWORDS:
            self.refuse("a name")
        return self.take()

    def expression(self) -> Expression:
        left = self.conjunction()
        while self.skip("or"):
            left = Binary("or", left, self.conjunction())
        return left

    def conjunction(self) -> Expression:
        left = self.comparison()
        while self.skip("and"):
            left = Binary("and", left, self.comparison())
        return left

    def comparison(self) -> Expression:
        left = self.sum()
        if self.token in COMPARISONS:
            return Binary(self.take(), left, self.sum())
        return left

    def sum(self) -> Expression:
        left = self.product()
        while self.token in ("+", "-"):
            left = Binary(self.take(), left, self.product())
        return left

    def product(self) -> Expression:
        left = self.value()
        while self.token in ("*", "/"):
            left = Binary(self.take(), left, self.value())
        return left

    def value(self) -> Expression:
        found = self.atom()
        while self.token in (".", "["):
            if self.skip("."):
                found = Member(found, self.name())
            else:
                self.expect("[")
                found = Member(found, self.text())
                self.expect("]")
        return found

    def text(self) -> str:
        if self.kind != "text":
            self.refuse("a text")
        token = self.take()[1:-1]
        if "\\" in token:
            raise KustoSyntaxError(f"an escape in {token!r}")
        return token

    def atom(self) -> Expression:
        match self.kind:
            case "span":
                return Span(self.take())
            case "number":
                token = self.take()
                return Literal(float(token) if "." in token else int(token))
            case "text":
                return Literal(self.text())
            case "name":
                return self.named()
        self.expect("(")
        found = self.expression()
        self.expect(")")
        return found

    def named(self) -> Expression:
        name = self.name()
        if name in ("true", "false"):
            return Literal(name == "true")
        if not self.skip("("):
            return Name(name)
        arguments = []
        while self.token != ")":
            arguments.append(self.expression())
            if not self.skip(","):
                break
        self.expect(")")
        return Call(name, tuple(arguments))
