"""host.json, local.settings.json and the environment."""

import json
from pathlib import Path
from typing import Any

import pytest

from localhost.settings import Cors, Settings, SettingsError


def _app(folder: Path, host: Any = None, local: Any = None) -> Path:
    def write(name: str, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")

    write("host.json", {"version": "2.0"} if host is None else host)
    if local is not None:
        write("local.settings.json", local)
    return folder


def _local(**sections: Any) -> dict[str, Any]:
    return {"IsEncrypted": False, **sections}


def test_without_local_settings_the_process_environment_is_all_there_is(tmp_path: Path) -> None:
    settings = Settings.load(_app(tmp_path), {"A": "1"})
    assert settings.environment == {
        "A": "1",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(tmp_path),
    }
    assert (settings.port, settings.cors, settings.route_prefix) == (7071, None, "api")


def test_the_process_environment_wins_over_values_and_says_so(tmp_path: Path) -> None:
    local = _local(Values={"A": "file", "B": "file", "C": ""})
    settings = Settings.load(_app(tmp_path, local=local), {"A": "process"})
    assert [settings.environment[name] for name in "ABC"] == ["process", "file", ""]
    assert "'A'" in settings.warnings[0]
    assert len(settings.warnings) == 1


def test_values_are_texts_and_a_null_is_passed_over(tmp_path: Path) -> None:
    local = _local(Values={"N": 5, "T": True, "Z": None})
    settings = Settings.load(_app(tmp_path, local=local), {})
    assert settings.environment["N"] == "5"
    assert settings.environment["T"] == "true"
    assert "Z" not in settings.environment
    assert "'Z'" in settings.warnings[0]


def test_host_section_and_connection_strings_are_read(tmp_path: Path) -> None:
    local = _local(
        Host={
            "LocalHttpPort": 8080,
            "CORS": "https://a.example, https://b.example",
            "CORSCredentials": True,
            "LocalHttpAddress": "0.0.0.0",
        },
        ConnectionStrings={"db": "x", "other": {"ConnectionString": "y", "ProviderName": "p"}},
    )
    settings = Settings.load(_app(tmp_path, local=local), {})
    assert settings.port == 8080
    assert settings.address == "0.0.0.0"
    assert settings.cors == Cors(("https://a.example", "https://b.example"), True)
    assert settings.environment["ConnectionStrings:db"] == "x"
    assert settings.environment["ConnectionStrings:other"] == "y"


def test_comments_and_a_byte_order_mark_are_taken_as_dotnet_takes_them(tmp_path: Path) -> None:
    text = '\ufeff{ // "version": "1.0"\n /* x */ "version": "2.0", "u": "http://a/*b*/" }'
    assert Settings.load(_app(tmp_path, text), {}).host_json["u"] == "http://a/*b*/"


def test_settings_override_host_json_whatever_their_case(tmp_path: Path) -> None:
    host = {"version": "2.0", "extensions": {"durableTask": {"hubName": "A", "max": 5}}}
    environment = {
        "AzureFunctionsJobHost__extensions__durableTask__hubName": "123",
        "AzureFunctionsJobHost__Extensions__DurableTask__MAX": "7",
        "azurefunctionsjobhost:extensions:http:routePrefix": "v1/",
        "AzureFunctionsJobHost__flag": "True",
    }
    settings = Settings.load(_app(tmp_path, host), environment)
    assert settings.extension("durableTask") == {"hubName": "123", "max": 7}
    assert settings.route_prefix == "v1"
    assert settings.host_json["flag"] is True


def test_names_in_percent_signs_are_settings(tmp_path: Path) -> None:
    settings = Settings.load(_app(tmp_path), {"Queue": "q", "N": "5"})
    assert settings.resolve("a-%Queue%-%n%") == "a-q-5"
    assert settings.resolve("100%") == "100%"
    with pytest.raises(KeyError):
        settings.resolve("%Missing%")


@pytest.mark.parametrize(
    ("name", "value", "is_disabled"),
    [
        ("AzureWebJobs.Tick.Disabled", "true", True),
        ("AzureWebJobs_Tick_Disabled", "1", True),
        # The Functions host passes these over.
        ("AzureWebJobs__Tick__Disabled", "true", False),
        ("AzureWebJobs:Tick:Disabled", "true", False),
        ("azurewebjobs.tick.disabled", "TRUE", True),
        ("AzureWebJobs.Tick.Disabled", "false", False),
        ("AzureWebJobs.Other.Disabled", "true", False),
    ],
)
def test_a_setting_disables_a_function(
    tmp_path: Path, name: str, value: str, is_disabled: bool
) -> None:
    assert Settings.load(_app(tmp_path), {name: value}).is_disabled("Tick") is is_disabled


@pytest.mark.parametrize(
    ("host", "local", "expected"),
    [
        ('{\n"version": "2.0",\n"x": }', None, "host.json, line 3, column 6"),
        ('{\n\n"version": "1.0"}', None, "host.json, line 3: 'version'"),
        ("[]", None, "host.json, line 1"),
        ('{"version": "2.0",\n"extensions": []}', None, "line 2: 'extensions'"),
        ('{"version": "2.0",\n"functionTimeout": 5}', None, "line 2: 'functionTimeout': 5 is no"),
        (
            '{"version": "2.0",\n"logging":\n{"logLevel": {"default": "loud"}}}',
            None,
            "line 3: 'logLevel': 'default' has the level 'loud'",
        ),
        ('{"version": "2.0",\n"functions": "a"}', None, "line 2: 'functions': it must be a list"),
        (None, '{"IsEncrypted": false,\n"Values": {"A": "1"\n"B": 2}}', "json, line 3, column 1"),
        (None, '{"Values": {}}', "'IsEncrypted'"),
        (None, '{\n"IsEncrypted": true}', "line 2: 'IsEncrypted'"),
        (None, _local(Values=[]), "'Values'"),
        (None, '{"IsEncrypted": false, "Values": {\n"A": {"b": 1}}}', "line 2: 'A'"),
        (None, _local(Host={"LocalHttpPort": "x"}), "'LocalHttpPort'"),
        (None, _local(Host={"LocalHttpPort": 70_000}), "'LocalHttpPort'"),
        (None, _local(ConnectionStrings={"db": 5}), "'db'"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_reason(
    tmp_path: Path, host: Any, local: Any, expected: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(_app(tmp_path, host, local), {})
    assert expected in str(refused.value)


def test_a_bad_override_is_refused_by_its_name(tmp_path: Path) -> None:
    setting = "AzureFunctionsJobHost__functionTimeout"
    with pytest.raises(SettingsError, match=f"{setting}: 'soon' is no time span"):
        Settings.load(_app(tmp_path), {setting: "soon"})


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"There is no host\.json"):
        Settings.load(tmp_path, {})
