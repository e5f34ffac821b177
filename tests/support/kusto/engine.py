"""Kusto queries carried out by polars over rows of the tables of Application Insights.

No engine of Kusto's own is to be had outside Azure. Each operator and function here does what the
documentation of Kusto says of it, as far as the queries of the template go. Types that Kusto would
refuse to compare are refused, and so is a division of two whole numbers, which it rounds.

Source: https://learn.microsoft.com/kusto/query/ (of `summarize`, the values over no rows)
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tests.support.kusto import syntax
from tests.support.kusto.syntax import Binary, Call, Expression, Literal, Member, Name, Span

Row = Mapping[str, Any]
Schema = Mapping[str, str]
TABLES: Mapping[str, Schema] = json.loads(Path(__file__).with_name("columns.json").read_text())[
    "tables"
]
POLARS = {
    "string": pl.String,
    "real": pl.Float64,
    "int": pl.Int64,
    "bool": pl.Boolean,
    "datetime": pl.Datetime("us", "UTC"),
    "dynamic": pl.String,
}
NUMBERS = ("real", "int")


class KustoTypeError(Exception):
    """Kusto would refuse the query, or do something with it that is not known here."""


@dataclass(frozen=True)
class Typed:
    """An expression of polars and what Kusto calls its type."""

    of: pl.Expr
    type: str


@dataclass(frozen=True)
class Rows:
    """Rows on their way through a query."""

    frame: pl.DataFrame
    schema: Schema


def run(query: str, tables: Mapping[str, Iterable[Row]]) -> list[dict[str, Any]]:
    """The rows that a query gives.

    Args:
        query: In Kusto's language.
        tables: The rows of each table; one that is not there has none.
    """
    frames = {name: _frame(name, tables.get(name, ())) for name in TABLES}
    return _pipeline(syntax.parse(query), frames).frame.to_dicts()


def columns_of(query: str) -> list[tuple[str, str]]:
    """The columns of what a query gives, with Kusto's types; of whole numbers all are `long`."""
    frames = {name: _frame(name, ()) for name in TABLES}
    schema = _pipeline(syntax.parse(query), frames).schema
    return [(name, "long" if kind == "int" else kind) for name, kind in schema.items()]


def _frame(name: str, rows: Iterable[Row]) -> Rows:
    schema = TABLES[name]
    filled = []
    for row in rows:
        if strange := row.keys() - schema.keys():
            raise KustoTypeError(f"{name} has no {sorted(strange)}")
        # No text is null in Kusto.
        texts = {column: "" for column, kind in schema.items() if kind == "string"}
        dynamic = {column: json.dumps(row[column]) for column in row if schema[column] == "dynamic"}
        filled.append({**texts, **row, **dynamic})
    frame = pl.DataFrame(filled, schema={column: POLARS[kind] for column, kind in schema.items()})
    return Rows(frame, schema)


def _pipeline(pipeline: syntax.Pipeline, tables: Mapping[str, Rows]) -> Rows:
    if isinstance(pipeline.source, syntax.Union):
        rows = _union([_pipeline(leg, tables) for leg in pipeline.source.legs])
    else:
        if pipeline.source.name not in tables:
            raise KustoTypeError(f"no table {pipeline.source.name!r}")
        rows = tables[pipeline.source.name]
    for step in pipeline.steps:
        rows = _step(step, rows)
    return rows


def _union(legs: list[Rows]) -> Rows:
    schema: dict[str, str] = {}
    for leg in legs:
        for name, kind in leg.schema.items():
            if schema.setdefault(name, kind) != kind:
                raise KustoTypeError(f"{name!r} is of two types")
    return Rows(pl.concat([leg.frame for leg in legs], how="diagonal"), schema)


def _step(step: Any, rows: Rows) -> Rows:
    scope = Scope(rows.schema)
    match step:
        case syntax.Where(condition):
            holds = scope.of_type(condition, "bool")
            return Rows(rows.frame.filter(holds.fill_null(value=False)), rows.schema)
        case syntax.Project(columns, keeps_others):
            typed = {name: scope.compile(value) for name, value in columns}
            kept = rows.schema if keeps_others else {}
            frame = rows.frame.with_columns(_named(typed)).select([*kept, *typed.keys() - kept])
            order = [*kept, *(name for name in typed if name not in kept)]
            return Rows(frame.select(order), {**kept, **_types(typed)})
        case syntax.Order(by, descends):
            key = scope.compile(by).of
            return Rows(rows.frame.sort(key, descending=descends, maintain_order=True), rows.schema)
        case syntax.Take(count):
            return Rows(rows.frame.head(count), rows.schema)
        case syntax.Summarize(aggregates, groups):
            return _summarize(aggregates, groups, rows)
    raise AssertionError(step)


def _summarize(
    aggregates: tuple[syntax.Column, ...], groups: tuple[syntax.Column, ...], rows: Rows
) -> Rows:
    keys = {name: Scope(rows.schema).compile(value) for name, value in groups}
    values = {name: Summary(rows.schema).compile(value) for name, value in aggregates}
    schema = {**_types(keys), **_types(values)}
    if groups:
        frame = rows.frame.group_by(_named(keys), maintain_order=True).agg(_named(values))
    else:
        frame = rows.frame.select(_named(values))
    return Rows(frame, schema)


def _named(typed: Mapping[str, Typed]) -> list[pl.Expr]:
    return [value.of.alias(name) for name, value in typed.items()]


def _types(typed: Mapping[str, Typed]) -> dict[str, str]:
    return {name: value.type for name, value in typed.items()}


class Scope:
    """What expressions mean where columns are those of a schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def compile(self, value: Expression) -> Typed:
        match value:
            case Literal(said):
                kinds = {bool: "bool", str: "string", int: "int", float: "real"}
                return Typed(pl.lit(said), kinds[type(said)])
            case Name(name):
                return self.column(name)
            case Member(of, key):
                path = f"$['{key}']"
                return Typed(self.of_type(of, "dynamic").str.json_path_match(path), "dynamic")
            case Binary():
                return self.binary(value)
            case Call():
                return self.call(value)
        raise KustoTypeError(f"{value} by itself")

    def of_type(self, value: Expression, *types: str) -> pl.Expr:
        typed = self.compile(value)
        if typed.type not in types:
            raise KustoTypeError(f"{value} is {typed.type}, no {' or '.join(types)}")
        return typed.of

    def column(self, name: str) -> Typed:
        if name not in self.schema:
            raise KustoTypeError(f"no column {name!r}; there are {', '.join(self.schema)}")
        return Typed(pl.col(name), self.schema[name])

    def binary(self, value: Binary) -> Typed:
        if value.sign in ("and", "or"):
            left, right = (self.of_type(side, "bool") for side in (value.left, value.right))
            return Typed(left & right if value.sign == "and" else left | right, "bool")
        if value.sign in ("startswith", "contains"):
            # Neither looks at the case of letters.
            left, right = (
                self.of_type(side, "string").str.to_lowercase()
                for side in (value.left, value.right)
            )
            is_so = left.str.starts_with(right)
            if value.sign == "contains":
                is_so = left.str.contains(right, literal=True)
            return Typed(is_so, "bool")
        left, right = self.compile(value.left), self.compile(value.right)
        is_number = left.type in NUMBERS and right.type in NUMBERS
        if value.sign in syntax.COMPARISONS:
            if not is_number and (left.type != right.type or left.type == "dynamic"):
                raise KustoTypeError(f"{left.type} {value.sign} {right.type}")
            return Typed(COMPARE[value.sign](left.of, right.of), "bool")
        kind = "real" if "real" in (left.type, right.type) else "int"
        if not is_number or (value.sign == "/" and kind == "int"):
            raise KustoTypeError(f"{left.type} {value.sign} {right.type}")
        return Typed(COMPUTE[value.sign](left.of, right.of), kind)

    def call(self, value: Call) -> Typed:
        of, kind = self.function(value)
        return Typed(of, kind)

    def function(self, value: Call) -> tuple[pl.Expr, str]:
        match value:
            case Call("tostring", (text,)):
                found = self.of_type(text, "dynamic", "string").fill_null(""), "string"
            case Call("tolower", (text,)):
                found = self.of_type(text, "string").str.to_lowercase(), "string"
            case Call("isempty", (text,)):
                found = self.of_type(text, "string") == "", "bool"
            case Call("isnotempty", (text,)):
                found = self.of_type(text, "string") != "", "bool"
            case Call("not", (condition,)):
                found = ~self.of_type(condition, "bool"), "bool"
            case Call("iff", (condition, yes, no)):
                holds = self.of_type(condition, "bool").fill_null(value=False)
                values, kind = self.of_one_type(yes, no)
                found = pl.when(holds).then(values[0]).otherwise(values[1]), kind
            case Call("coalesce", (first, second)):
                values, kind = self.of_one_type(first, second)
                found = pl.coalesce(*values), kind
            case Call("bin", (moment, Span(length))):
                found = self.of_type(moment, "datetime").dt.truncate(length), "datetime"
            case _:
                number = len(value.arguments)
                raise KustoTypeError(f"the function {value.function!r} of {number}")
        return found

    def of_one_type(self, *values: Expression) -> tuple[list[pl.Expr], str]:
        typed = [self.compile(value) for value in values]
        (kind, *others) = {each.type for each in typed}
        if others:
            raise KustoTypeError(f"{values} are of several types")
        return [each.of for each in typed], kind


class Summary(Scope):
    """What expressions mean over all rows of a group: columns are inside of aggregates alone."""

    def column(self, name: str) -> Typed:
        raise KustoTypeError(f"{name!r} outside of an aggregate")

    def function(self, value: Call) -> tuple[pl.Expr, str]:
        rows = Scope(self.schema)
        match value:
            case Call("count", ()):
                found = pl.len().cast(pl.Int64), "int"
            case Call("countif", (condition,)):
                holds = rows.of_type(condition, "bool").fill_null(value=False)
                found = holds.sum().cast(pl.Int64), "int"
            case Call("sum", (number,)):
                found = rows.of_type(number, *NUMBERS).sum(), rows.compile(number).type
            case Call("sumif", (number, condition)):
                chosen = rows.of_type(number, *NUMBERS).filter(rows.of_type(condition, "bool"))
                found = chosen.sum(), rows.compile(number).type
            case Call("max", (number,)):
                found = rows.of_type(number, *NUMBERS).max(), rows.compile(number).type
            case Call("percentilew", (number, weight, Literal(percent))):
                ordered = rows.of_type(number, "real")
                weights = rows.of_type(weight, "int").sort_by(ordered)
                is_past = weights.cum_sum() >= weights.sum() * float(percent) / 100
                found = ordered.sort().filter(is_past).first(), "real"
            case _:
                found = super().function(value)
        return found


COMPARE: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
}
COMPUTE: Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}
