"""Put together what azd packs: the app as it is here, with the host.json of this deployment.

azd runs it before each package (`azd up`, `azd deploy`, `azd package`) and packs the folder that it
makes, which git ignores. So the repository stays as it is, also when something fails on the way.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infra.scripts.environment import ROOT, Environment, SettingError
from infra.scripts.host_json import host_json
from infra.scripts.ignore_rules import Rule, is_ignored, parse_rules
from infra.scripts.programs import bear_any_text

# The same as `dist` of the service in azure.yaml.
PACKAGE = "dist/app"
IGNORE_FILE = ".funcignore"
# At the top, whatever the ignore file says: secrets of this machine, and the folder that is made.
NEVER = {".git", ".azure", "local.settings.json", "dist"}


def assemble(root: Path, values: Mapping[str, str]) -> Path:
    """Make the folder that is packed, and return where it is.

    Args:
        root: Of the repository.
        values: Variables of azd's environment.

    Raises:
        SettingError: A variable makes no sense.
    """
    changed = _host_json(root, Environment.read(values, root))
    folder = root / PACKAGE
    draft = folder.with_name(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    _copy(root, draft)
    (draft / "host.json").write_text(changed, encoding="utf-8")
    # As a whole: what a run before left, and one that is cut off here, is never packed.
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


def _host_json(root: Path, environment: Environment) -> str:
    """The text of the host.json of a deployment."""
    host = json.loads((root / "host.json").read_text(encoding="utf-8"))
    try:
        changed = host_json(
            host,
            environment.text("FANOUT_DURABLE_BACKEND"),
            environment.number("FANOUT_MAX_ACTIVITIES"),
            environment.number("FANOUT_MAX_ORCHESTRATORS"),
        )
    except ValueError as error:
        raise SettingError(str(error)) from error
    return json.dumps(changed, indent=2) + "\n"


def _copy(root: Path, draft: Path) -> None:
    """Copy what is let in, and not the ignore file, which azd would read once more, its own way."""
    rules = parse_rules((root / IGNORE_FILE).read_text(encoding="utf-8-sig"))
    for path in _files(root, root, rules):
        target = draft / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _files(folder: Path, root: Path, rules: list[Rule]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        is_never = folder == root and path.name in NEVER
        if is_never or is_ignored(rules, path.relative_to(root), path.is_dir()):
            continue
        if path.is_dir():
            yield from _files(path, root, rules)
        elif path.is_file():
            yield path


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the folder of the repository that this is a part of; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.scripts.prepackage", description=__doc__)
    parser.parse_args(arguments)
    bear_any_text()
    try:
        folder = assemble(ROOT, os.environ)
    except (SettingError, OSError) as error:
        sys.stderr.write(f"The package cannot be put together: {error}\n")
        return 1
    sys.stdout.write(f"{folder.relative_to(ROOT).as_posix()} is what will be packed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
