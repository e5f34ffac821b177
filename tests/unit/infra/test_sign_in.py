"""The registration has what sign-in, browser and command line need; again changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.scripts import registration, sign_in
from starters.api.roles import Role
from tests.support.azure_programs.directory import ME
from tests.support.azure_programs.programs import Programs

ROOT = Path(__file__).parents[3]
URL = "https://func-x.azurewebsites.net"
VALUES = {"AZURE_ENV_NAME": "staging", "FANOUT_URL": URL}
PAGE_ID = "5f0c2c2e-9d1b-4c55-8f5e-2b7d6a1c0e11"
CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


@pytest.fixture
def azure(programs: Programs) -> Programs:
    """An empty directory, and an environment of azd that has been deployed."""
    programs.answer("azd env get-values", VALUES)
    programs.answer("azd env set", "")
    return programs


def application() -> dict[str, Any]:
    return sign_in.register("fanout-staging", "", URL)


def writes(azure: Programs) -> list[str]:
    """Lines that changed something."""
    return [
        each.line
        for each in azure.calls("az rest")
        if "--method get" not in each.line and "--method patch" not in each.line
    ]


def test_tokens_are_of_the_version_that_the_sign_in_takes(azure: Programs):
    bicep = (ROOT / "infra" / "modules" / "function-app.bicep").read_text()
    assert "/v2.0'" in next(line for line in bicep.splitlines() if "openIdIssuer" in line)
    assert application()["api"]["requestedAccessTokenVersion"] == 2


def test_the_audience_is_one_that_the_sign_in_takes(azure: Programs):
    found = application()
    assert found["identifierUris"] == [f"api://{found['appId']}"]


def test_the_roles_are_those_that_the_app_asks_for(azure: Programs):
    assert list(registration.ROLES) == [role.claim for role in Role]
    roles = application()["appRoles"]
    assert [each["value"] for each in roles] == [role.claim for role in Role]
    assert all(each["allowedMemberTypes"] == ["User", "Application"] for each in roles)
    assert all(each["isEnabled"] for each in roles)
    assert len({each["id"] for each in roles}) == 3


def test_the_command_line_of_azure_needs_no_consent(azure: Programs):
    api = application()["api"]
    (scope,) = api["oauth2PermissionScopes"]
    assert api["preAuthorizedApplications"] == [
        {"appId": CLI, "delegatedPermissionIds": [scope["id"]]}
    ]


def test_a_browser_comes_back_with_an_id_token(azure: Programs):
    web = application()["web"]
    assert web["redirectUris"] == [f"{URL}/.auth/login/aad/callback"]
    assert web["implicitGrantSettings"]["enableIdTokenIssuance"] is True


def test_no_secret_is_made(azure: Programs):
    application()
    assert not [call for call in azure.calls() if "assword" in json.dumps(call.body)]


def test_again_makes_nothing_and_changes_nothing(azure: Programs):
    first = application()
    made = writes(azure)
    assert len(made) == 2
    assert application() == first
    assert writes(azure) == made


def test_what_others_added_stays(azure: Programs):
    found = application()
    others = {
        "api": found["api"]
        | {
            "oauth2PermissionScopes": [*found["api"]["oauth2PermissionScopes"], scope("theirs")],
            "preAuthorizedApplications": [{"appId": "theirs", "delegatedPermissionIds": []}],
        },
        "appRoles": [*found["appRoles"], {"id": "1", "value": "Theirs"}],
        "identifierUris": [*found["identifierUris"], "api://theirs"],
        "web": {"redirectUris": ["https://theirs"], "implicitGrantSettings": {"more": True}},
    }
    sign_in.call("patch", f"{sign_in.GRAPH}/applications/{found['id']}", others)
    after = application()
    assert {each["value"] for each in after["appRoles"]} >= {"Theirs", "Fanout.Admin"}
    assert "api://theirs" in after["identifierUris"]
    assert {each["value"] for each in after["api"]["oauth2PermissionScopes"]} >= {"theirs"}
    assert {each["appId"] for each in after["api"]["preAuthorizedApplications"]} == {"theirs", CLI}
    assert after["web"]["redirectUris"] == ["https://theirs", f"{URL}/.auth/login/aad/callback"]
    assert after["web"]["implicitGrantSettings"]["more"] is True


def scope(value: str) -> dict[str, Any]:
    return {"id": value, "value": value}


def test_a_role_is_given_once(azure: Programs):
    found = application()
    assert sign_in.assign(found, "Fanout.Admin", "me") is True
    assert sign_in.assign(found, "Fanout.Admin", "me") is False
    assert sign_in.assign(found, "Fanout.Reader", "a-group") is True
    given = [call.body for call in azure.calls("appRoleAssignedTo") if call.body]
    assert [each["principalId"] for each in given] == [ME, "a-group"]


def test_a_registration_that_azd_knows_is_taken_whatever_its_name(azure: Programs):
    found = application()
    assert sign_in.register("another-name", found["appId"], URL)["id"] == found["id"]


def test_two_of_a_name_are_not_chosen_between(azure: Programs):
    for _ in range(2):
        sign_in.call("post", f"{sign_in.GRAPH}/applications", {"displayName": "fanout-staging"})
    with pytest.raises(sign_in.ProgramError, match="--client-id"):
        application()


def test_a_registration_that_is_gone_is_not_made_under_another_id(azure: Programs):
    with pytest.raises(sign_in.ProgramError, match=r"no registration .*azd env set FANOUT_"):
        sign_in.register("fanout-staging", "gone", URL)
    assert writes(azure) == []


def test_what_was_made_a_moment_ago_and_is_not_yet_known_is_asked_for_again(azure: Programs):
    azure.refuse(
        "--method patch .*applications/", 'Not Found({"code":"Request_ResourceNotFound"})', None
    )
    azure.answer(r"--url-parameters \$select", {"id": "1", "appId": "2", **READY})
    assert sign_in.register("fanout-staging", "", URL)["id"] == "1"
    assert len(azure.calls("--method patch")) == 3


READY = {"api": {"oauth2PermissionScopes": []}, "appRoles": [], "web": {}, "identifierUris": []}


def test_the_client_id_is_kept_for_the_next_provision(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    assert sign_in.main(["--assign", "Fanout.Admin=me"]) == 0
    (kept,) = azure.calls("azd env set")
    client_id = application()["appId"]
    assert kept.arguments[2:4] == ["FANOUT_AUTH_CLIENT_ID", client_id]
    assert kept.arguments[-1] == "staging"
    assert client_id in capsys.readouterr().out


def test_it_says_what_the_page_says(azure: Programs, capsys: pytest.CaptureFixture[str]):
    azure.answer("azd env get-values", {**VALUES, "AZURE_ENV_NAME": "production"})
    assert sign_in.main(["--assign", "Fanout.Admin=me"]) == 0
    (kept,) = azure.calls("azd env set")
    printed = capsys.readouterr().out.replace(kept.arguments[3], PAGE_ID)
    assert f"```\n{printed}```\n" in (ROOT / "docs" / "how-to" / "sign-in.md").read_text()


def test_before_the_app_is_there_the_browsers_way_back_is_left_for_later(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    azure.answer("azd env get-values", {"AZURE_ENV_NAME": "staging"})
    assert sign_in.main([]) == 0
    assert "repeat this after `azd up`" in capsys.readouterr().out
    assert sign_in.register("fanout-staging", "", "")["web"]["redirectUris"] == []


def test_it_does_without_azd(azure: Programs):
    azure.refuse("azd", "no project exists")
    assert sign_in.main(["--name", "fanout-staging", "--url", f"{URL}/"]) == 0
    assert azure.calls("azd env set") == []
    assert application()["web"]["redirectUris"] == [f"{URL}/.auth/login/aad/callback"]


def test_a_refusal_is_the_answer(azure: Programs, capsys: pytest.CaptureFixture[str]):
    azure.refuse("post .*applications", "Authorization_RequestDenied")
    assert sign_in.main([]) == 1
    assert "Authorization_RequestDenied" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["Fanout.Owner=me", "Fanout.Admin", "Fanout.Admin="])
def test_a_role_that_there_is_not_is_refused(
    azure: Programs, text: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        sign_in.main(["--assign", text])
    assert "ROLE=ID" in capsys.readouterr().err
    assert azure.calls() == []
