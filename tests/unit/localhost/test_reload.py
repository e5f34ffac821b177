"""Which files make up an app, and when they count as changed."""

import asyncio
import os
from pathlib import Path

import pytest

from localhost import reload
from localhost.reload import stamps, wait_for_change


def put(folder: Path, name: str, text: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_code_and_settings_of_the_app_count_at_any_depth(tmp_path):
    wanted = {
        put(tmp_path, name)
        for name in ("function_app.py", "host.json", "local.settings.json", "a/b/deep.py")
    }
    for name in ("notes.txt", "data.json", "a/module.pyc"):
        put(tmp_path, name)
    assert stamps(tmp_path).keys() == wanted


@pytest.mark.parametrize("folder", sorted(reload.LEFT_OUT))
def test_folders_that_are_no_code_of_the_app_are_left_out(tmp_path, folder):
    put(tmp_path, f"{folder}/module.py")
    assert stamps(tmp_path) == {}


def test_links_to_folders_are_not_followed(tmp_path):
    put(tmp_path, "app/function_app.py")
    (tmp_path / "app" / "round").symlink_to(tmp_path / "app")
    assert len(stamps(tmp_path / "app")) == 1


def test_files_that_vanish_while_they_are_looked_at_do_not_count(tmp_path):
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    kept = put(tmp_path, "kept.py")
    assert stamps(tmp_path).keys() == {kept}
    assert stamps(tmp_path / "no folder") == {}


@pytest.mark.parametrize("change", ["write", "add", "remove"])
async def test_what_was_changed_added_or_removed_is_named(tmp_path, monkeypatch, change):
    monkeypatch.setattr(reload, "LOOK_EVERY_SECONDS", 0.005)
    one, other = put(tmp_path, "one.py"), put(tmp_path, "other.py")
    known = stamps(tmp_path)
    waiting = asyncio.create_task(wait_for_change(tmp_path, known))
    if change == "write":
        os.utime(one, (1, 1))
        wanted = one
    elif change == "add":
        wanted = put(tmp_path, "third.py")
    else:
        other.unlink()
        wanted = other
    assert await asyncio.wait_for(waiting, 10) == [wanted]


async def test_nothing_is_said_while_nothing_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(reload, "LOOK_EVERY_SECONDS", 0.001)
    put(tmp_path, "one.py")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait_for_change(tmp_path, stamps(tmp_path)), 0.1)
