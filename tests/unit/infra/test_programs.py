"""az and azd are called so that nothing secret shows, and what they say is understood."""

import io
import sys
from pathlib import Path
from types import ModuleType

import pytest

from infra.scripts import postdeploy, prepackage, preprovision, sign_in
from infra.scripts.programs import ProgramError, az, bear_any_text, call, run, store
from tests.support.azure_programs.programs import Call, Programs


def body_file(found: Call) -> Path:
    return Path(found.arguments[found.arguments.index("--body") + 1].removeprefix("@"))


def test_what_is_sent_is_in_a_file_of_ours_alone_and_gone_afterwards(started_programs: Programs):
    started_programs.answer("rest --method put", {"ok": True})
    assert call("put", "/subscriptions/s/x", {"key": "secret"}) == {"ok": True}
    (found,) = started_programs.calls()
    assert found.body == {"key": "secret"}
    assert "secret" not in found.line
    assert not body_file(found).exists()


def test_the_file_is_gone_after_a_refusal_too(started_programs: Programs):
    started_programs.refuse("rest", "Forbidden")
    with pytest.raises(ProgramError):
        call("put", "/x", {"key": "secret"})
    (found,) = started_programs.calls()
    assert not body_file(found).exists()


def test_a_key_that_an_answer_quotes_is_taken_out(started_programs: Programs):
    started_programs.refuse("rest", "validation of https://a/x?functionName=f&code=s3cret== failed")
    with pytest.raises(ProgramError) as found:
        call("get", "/x")
    assert "s3cret" not in str(found.value)
    assert "code=*** failed" in str(found.value)


@pytest.mark.parametrize(
    ("error", "is_missing"),
    [
        ('Not Found({"error":{"code":"ResourceNotFound"}})', True),
        ('Not Found({"error":{"code":"Request_ResourceNotFound"}})', True),
        ("ResourceGroupNotFound", True),
        ("The appId '1' does not reference a valid application object.", True),
        ('Not Found({"error":{"code":"404","message":"no such budget"}})', True),
        ('Not Found({"error":{"code":"SubscriptionNotFound"}})', False),
        ("The subscription 's' could not be found (SubscriptionNotFound)", False),
        ("AADSTS90002: Tenant 't' not found. Check that you have the correct tenant ID.", False),
        ("AADSTS50020: User account 'u' does not exist in tenant 't'.", False),
        ("Forbidden", False),
        ("Please run 'az login' to setup account.", False),
    ],
)
def test_what_is_not_there_is_told_from_what_is_refused(
    started_programs: Programs, error: str, is_missing: bool
):
    started_programs.refuse("account", error)
    with pytest.raises(ProgramError) as found:
        az("account", "show")
    assert found.value.is_missing is is_missing


def test_a_program_that_is_not_there_is_named(started_programs: Programs):
    with pytest.raises(ProgramError, match="func is not on the PATH") as found:
        run("func", "start")
    assert not found.value.is_missing


def test_no_answer_is_nothing_and_one_that_is_no_json_is_a_fault(
    started_programs: Programs, monkeypatch: pytest.MonkeyPatch
):
    answers = ["", "WARNING"]
    monkeypatch.setattr("infra.scripts.programs.run", lambda *arguments: answers.pop(0))
    assert az("rest") is None
    with pytest.raises(ProgramError, match="no JSON"):
        az("rest")


def test_a_value_is_kept_in_the_environment_that_the_hook_is_for(started_programs: Programs):
    started_programs.answer("azd env set", "")
    store("staging", "NAME", "value")
    (found,) = started_programs.calls("azd")
    assert found.arguments == ["env", "set", "NAME", "value", "--environment", "staging"]


def write_az(folder: Path, stream: str, data: bytes, code: int) -> None:
    """Stands for an az that writes bytes of its own."""
    script = f"import sys\nsys.{stream}.buffer.write({data!r})\nsys.exit({code})\n"
    path = folder / "bin" / "az"
    path.write_text(f"#!{sys.executable} -IS\n{script}")


def test_an_answer_in_the_code_page_of_windows_is_read(
    started_programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("locale.getencoding", lambda: "cp1252")
    write_az(tmp_path / "programs", "stdout", '{"name": "Café"}'.encode("cp1252"), 0)
    assert az("account", "show") == {"name": "Café"}
    write_az(tmp_path / "programs", "stderr", "Accès refusé".encode("cp1252"), 1)
    with pytest.raises(ProgramError, match="Accès refusé"):
        az("account", "show")
    write_az(tmp_path / "programs", "stdout", '{"name": "Café"}'.encode(), 0)
    assert az("account", "show") == {"name": "Café"}


def test_an_answer_in_no_code_page_that_is_known_is_an_answer_still(
    started_programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("locale.getencoding", lambda: "utf-8")
    write_az(tmp_path / "programs", "stdout", b'{"name": "Caf\xe9"}', 0)
    assert az("account", "show") == {"name": "Caf\ufffd"}


def test_letters_that_the_terminal_lacks_are_written_otherwise(monkeypatch: pytest.MonkeyPatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", terminal)
    bear_any_text()
    terminal.write("Łódź")
    terminal.seek(0)
    assert terminal.read() == "\\u0141ód\\u017a"


@pytest.mark.parametrize("script", [postdeploy, prepackage, preprovision, sign_in])
def test_every_command_bears_any_text(
    started_programs: Programs, script: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    """On the way to a failure, which is what has letters of anybody's."""
    monkeypatch.setenv("FANOUT_DURABLE_BACKEND", "Łódź")
    started_programs.refuse("", "Łódź")
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    script.main([])
    assert sys.stdout.errors == sys.stderr.errors == "backslashreplace"
