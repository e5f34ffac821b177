from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.settings import ClientSettings


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path):
    path = written(tmp_path, 'url = "http://file"\nkey = "of-file"\n')
    environment = {"FANOUT_URL": "http://environment/", "HOME": str(tmp_path)}
    found = ClientSettings.load(None, None, path, environment)
    assert (found.url, found.key) == ("http://environment", "of-file")
    found = ClientSettings.load("http://option", "of-option", path, environment)
    assert (found.url, found.key) == ("http://option", "of-option")


def test_a_file_may_have_a_byte_order_mark(tmp_path: Path):
    path = written(tmp_path, "")
    path.write_text('url = "http://zwölf"\n', encoding="utf-8-sig")
    assert ClientSettings.load(None, None, path, {}).url == "http://zwölf"


def test_without_any_it_is_the_local_host(tmp_path: Path):
    found = ClientSettings.load(None, None, None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert found == ClientSettings(url="http://localhost:7071")


def test_the_usual_file_is_found(tmp_path: Path):
    (tmp_path / "fanout").mkdir()
    written(tmp_path / "fanout", 'url = "http://usual"\n', 0o644)
    found = ClientSettings.load(None, None, None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert found.url == "http://usual"


@pytest.mark.parametrize(
    ("text", "fault"),
    [("url =", "TOML"), ('uri = "x"\n', "'uri'"), ('key = "x"\n', "chmod 600")],
)
def test_a_file_that_is_wrong_or_open_to_others_is_refused(tmp_path: Path, text: str, fault: str):
    path = written(tmp_path, text, 0o644)
    with pytest.raises(CommandError, match=fault):
        ClientSettings.load(None, None, path, {})


def test_a_file_that_is_named_must_be_there(tmp_path: Path):
    with pytest.raises(CommandError, match="no file"):
        ClientSettings.load(None, None, None, {"FANOUT_CONFIG": str(tmp_path / "none")})


def test_nothing_that_opens_the_app_is_shown():
    told = repr(ClientSettings("http://x", key="secret-1", token="secret-2", storage="secret-3"))
    assert "secret" not in told
