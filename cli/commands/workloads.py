"""The command `workloads`: what can be run."""

from typing import Annotated, Any

import typer

from cli.commands.paging import Columns, print_list
from cli.consoles import make_markup
from cli.session import AsJson, Session, get_session, list_table
from cli.streams import print_json

Schema = dict[str, Any]


def workloads(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of this one, everything.")] = None,
    *,
    json: AsJson = False,
) -> None:
    """List what can be run; of one workload, its items and parameters.

    Example: [bold]fanout workloads reports[/]
    """
    session = get_session(context)
    if name is None:
        rows = session.api.get("workloads")["workloads"]
        print_list(session, rows, _COLUMNS, is_json=json)
        return
    workload = session.api.get(f"workloads/{name}")
    if json:
        print_json(workload)
    else:
        _describe(session, workload)


def _cells(workload: dict[str, Any]) -> tuple[str, ...]:
    return make_markup(workload["name"]), make_markup(workload["description"])


_COLUMNS = Columns(("WORKLOAD", "WHAT IT DOES"), _cells)


def _describe(session: Session, workload: dict[str, Any]) -> None:
    description = make_markup(workload["description"])
    session.out.print(f"[bold]{make_markup(workload['name'])}[/]: {description}")
    for title in ("items", "parameters"):
        columns = (title.upper(), "NEEDED", "TYPE", "DEFAULT")
        session.out.print()
        session.out.print(list_table(columns, _field_rows(workload[title]), ()))


def _field_rows(schema: Schema) -> list[tuple[str, ...]]:
    required = set(schema.get("required", ()))
    return [
        (make_markup(name), "yes" if name in required else "", _type(field), _default(field))
        for name, field in schema.get("properties", {}).items()
    ]


def _type(field: Schema) -> str:
    if "$ref" in field:
        return make_markup(str(field["$ref"]).rpartition("/")[2])
    if "anyOf" in field:
        return " or ".join(map(_type, field["anyOf"]))
    if "enum" in field:
        return make_markup(", ".join(map(str, field["enum"])))
    return make_markup(str(field.get("const", field.get("type", "anything"))))


def _default(field: Schema) -> str:
    default = field.get("default")
    return "" if default in (None, "", [], {}) else make_markup(str(default))
