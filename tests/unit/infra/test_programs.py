"""az and azd are called so that nothing secret shows, and what they say is understood."""

from pathlib import Path
from typing import Any

import pytest

from infra.scripts.programs import ProgramError, az, call, run, store
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
    answers: list[Any] = ["", "WARNING"]
    monkeypatch.setattr("infra.scripts.programs.run", lambda *arguments: answers.pop(0))
    assert az("rest") is None
    with pytest.raises(ProgramError, match="no JSON"):
        az("rest")


def test_a_value_is_kept_in_the_environment_that_the_hook_is_for(started_programs: Programs):
    started_programs.answer("azd env set", "")
    store("staging", "NAME", "value")
    (found,) = started_programs.calls("azd")
    assert found.arguments == ["env", "set", "NAME", "value", "--environment", "staging"]
