"""A new workload: its module, a sample and a test, which passes as it stands."""

import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer
from rich.markup import escape

from cli.errors import CommandError
from cli.session import AsJson, as_json, session

TEMPLATES = Path(__file__).parents[1] / "templates"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME = 40


def new_workload(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens.")],
    root: Annotated[Path, typer.Option(help="The folder with function_app.py.")] = Path(),
    *,
    json: AsJson = False,
) -> None:
    """Write a new workload with its sample and its test, to be changed into yours.

    Example: [bold]fanout new-workload price-parcels && make test[/]
    """
    here = session(context)
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise CommandError(
            f"'{name}' is no name: small letters, digits and single hyphens, {MAX_NAME} at most."
        )
    if not (root / "function_app.py").is_file() or not (root / "workloads").is_dir():
        raise CommandError(f"'{root.resolve()}' is not the folder of the app; see --root.")
    files = made(name, root)
    there = [path for path in files if path.exists()]
    module = root / "workloads" / name.replace("-", "_")
    if there or module.is_dir():
        raise CommandError(f"'{(there or [module])[0]}' is there already; nothing was written.")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if json:
        as_json({"name": name, "files": [path.as_posix() for path in files]})
        return
    for path in files:
        here.out.print(f"wrote {escape(path.as_posix())}")
    sample = escape((root / "samples" / name / "items.jsonl").as_posix())
    here.out.print(
        f"\nChange it, run `make test`, restart the app, and:\n"
        f"  fanout submit --workload {name} --data {sample} --watch",
        soft_wrap=True,  # it is copied
    )


def made(name: str, root: Path) -> dict[Path, str]:
    """The files of a new workload, by where they go."""
    module = name.replace("-", "_")
    words = {
        "name": name,
        "module": module,
        "class_name": "".join(word.title() for word in name.split("-")),
    }
    places = {
        "workload.py.txt": root / "workloads" / f"{module}.py",
        "test.py.txt": root / "tests" / "unit" / "workloads" / f"test_{module}.py",
        "items.jsonl.txt": root / "samples" / name / "items.jsonl",
        "sample.md": root / "samples" / name / "README.md",
    }
    return {
        place: Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        for template, place in places.items()
    }
