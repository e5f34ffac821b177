"""The package that is deployed: the app, whole, and nothing else that a machine may have."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.funcignore import packed_by_azd, packed_by_git
from tests.support.infra_files import ROOT

# What the app is made of; the rest of the repository stays at home.
DEPLOYED = {
    "activities",
    "dashboard",
    "fanout",
    "orchestrators",
    "schedules",
    "starters",
    "workloads",
    "function_app.py",
    "host.json",
    "requirements.txt",
    "requirements.lock.txt",
    "LICENSE",
}
# None of it is tracked, all of it is found beside an app now and then.
LEFT_OVER = (
    ".azure/production/.env",
    ".core-tools/host.log",
    ".env",
    ".env.local",
    ".localhost/store.sqlite",
    ".venv/bin/python",
    "build/lib/fanout/errors.py",
    "dist/fanout.whl",
    "fanout.egg-info/PKG-INFO",
    "fanout/.env",
    "fanout/customers.csv",
    "fanout/__pycache__/errors.cpython-313.pyc",
    "fanout/adapters/__pycache__/blob.cpython-313.pyc",
    "key.pem",
    "local.settings.json",
    "myvenv/pyvenv.cfg",
    "node_modules/azurite/package.json",
    "out/results.jsonl",
    "production.env",
    "schedules/customers/daily.json",
    "starters/secrets.json",
    "py_env/pyvenv.cfg",
    "venv/lib/errors.py",
    "venv/pyvenv.cfg",
    "workloads/.venv/lib/errors.py",
    "workloads/.venv/pyvenv.cfg",
    "workloads/node_modules/a/b.js",
    "workloads/orders/key.pem",
    "workloads/venv/pyvenv.cfg",
    "workloads/orders/local.settings.json",
    "workloads/myvenv/lib/errors.py",
    "workloads/test_env/lib/errors.py",
    "workloads/test_env/pyvenv.cfg",
    "dashboard/static/node_modules/a/b.js",
)
READERS = pytest.mark.parametrize("packed", [packed_by_azd, packed_by_git])


def tracked() -> set[str]:
    """The files of the repository that are there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def of_the_app() -> set[str]:
    """What of them the app is made of, without the pages for those who change it."""
    return {
        name
        for name in tracked()
        if name.partition("/")[0] in DEPLOYED and Path(name).name != "README.md"
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository of empty files, with what a developer's machine has besides."""
    for name in (*tracked(), *LEFT_OVER):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return with_files_that_the_hook_reads(tmp_path)


def with_files_that_the_hook_reads(folder: Path) -> Path:
    (folder / "infra").mkdir(exist_ok=True)
    for name in (".funcignore", "host.json", "infra/main.parameters.json"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@READERS
def test_the_package_has_the_app_and_nothing_else(packed: Callable[[Path], set[str]], copy: Path):
    assert len(of_the_app()) > 200
    assert packed(copy) == of_the_app()


@READERS
def test_a_file_that_nobody_thought_of_stays_at_home(
    packed: Callable[[Path], set[str]], tmp_path: Path
):
    with_files_that_the_hook_reads(tmp_path)
    for name in ("surprise.txt", "surprise/inside.py", "fanout.py", "workloads.bak/orders.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert packed(tmp_path) == {"host.json"}
