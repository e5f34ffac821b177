"""The command `new-workload`: write a module, a sample and a test that passes."""

import re
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from cli.consoles import make_markup
from cli.errors import CommandError
from cli.session import AsJson, Session, get_session
from cli.streams import print_json

TEMPLATES = Path(__file__).parents[1] / "templates"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_NAME_CHARACTERS = 40


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
    session = get_session(context)
    _require_name(name)
    _require_app(root)
    files = render_files(name, root)
    _require_absent([*files], root / "workloads" / _module_name(name))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if json:
        print_json({"name": name, "files": [path.as_posix() for path in files]})
    else:
        _print_next_steps(session, name, list(files), root)


def _require_name(name: str) -> None:
    if not NAME.fullmatch(name) or len(name) > MAX_NAME_CHARACTERS:
        raise CommandError(
            f"'{name}' is no name: small letters, digits and single hyphens, "
            f"{MAX_NAME_CHARACTERS} at most."
        )


def _require_app(root: Path) -> None:
    if not (root / "function_app.py").is_file() or not (root / "workloads").is_dir():
        raise CommandError(f"'{root.resolve()}' is not the folder of the app; see --root.")


def _require_absent(files: list[Path], folder: Path) -> None:
    existing = [path for path in files if path.exists()]
    if existing or folder.is_dir():
        raise CommandError(f"'{(existing or [folder])[0]}' is there already; nothing was written.")


def _print_next_steps(session: Session, name: str, files: list[Path], root: Path) -> None:
    for path in files:
        session.out.print(f"wrote {make_markup(path.as_posix())}")
    sample = make_markup((root / "samples" / name / "items.jsonl").as_posix())
    session.out.print(
        f"\nChange it, run `make test`, restart the app, and:\n"
        f"  fanout submit --workload {name} --data {sample} --watch",
        soft_wrap=True,  # so that it can be copied
    )


def render_files(name: str, root: Path) -> dict[Path, str]:
    """The texts of a new workload's files, by their paths."""
    module = _module_name(name)
    words = {
        "name": name,
        "module": module,
        "class_name": "".join(word.title() for word in name.split("-")),
    }
    paths = {
        "workload.py.txt": root / "workloads" / f"{module}.py",
        "test.py.txt": root / "tests" / "unit" / "workloads" / f"test_{module}.py",
        "items.jsonl.txt": root / "samples" / name / "items.jsonl",
        "sample.md": root / "samples" / name / "README.md",
    }
    return {
        path: Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        for template, path in paths.items()
    }


def _module_name(name: str) -> str:
    return name.replace("-", "_")
