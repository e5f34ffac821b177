"""The command `doctor`: what is wrong with an installation, and what to do."""

import typer

from cli.consoles import make_markup
from cli.findings import Examination, Finding, Level, examine
from cli.outcomes import FAILED
from cli.session import AsJson, Session, fact_table, get_session, list_table
from cli.streams import print_json

_STYLES: dict[str, str] = {Level.OK: "green", Level.WARNING: "yellow"}


def doctor(context: typer.Context, *, json: AsJson = False) -> None:
    """Examine an installation from outside and inside; say what is wrong and what to do.

    It ends with 1 if something is wrong. To look inside takes the role Fanout.Admin, or a key.

    Example: [bold]fanout doctor[/]
    """
    session = get_session(context)
    found = examine(session.api, session.settings)
    if json:
        print_json(found.document)
    else:
        _show(session, found)
    if found.status == Level.ERROR:
        raise typer.Exit(FAILED)


def _show(session: Session, found: Examination) -> None:
    versions = {make_markup(name): make_markup(text) for name, text in found.versions.items()}
    session.out.print(fact_table(versions))
    session.out.print(list_table(("LEVEL", "CHECK", "FINDING"), map(_cells, found.findings), ()))
    counts = [sum(one.level == level for one in found.findings) for level in Level]
    well, warnings, errors = counts
    session.out.print(f"{well} well, {warnings} warnings, {errors} wrong.")


def _cells(finding: Finding) -> tuple[str, ...]:
    style = _STYLES.get(finding.level, "red")
    text = make_markup(finding.message)
    if finding.remedy:
        text += f"\n[dim]To do:[/] {make_markup(finding.remedy)}"
    return f"[{style}]{make_markup(finding.level)}[/]", make_markup(finding.check), text
