import json
from pathlib import Path

import pytest

from fanout.adapters.credentials import credential
from fanout.adapters.settings import Settings, SettingsError, StorageSettings

ROOT = Path(__file__).parents[4]
LOCAL = {"FANOUT_STORAGE": "UseDevelopmentStorage=true"}


def read(**values: str) -> Settings:
    return Settings.from_environment(LOCAL | values)


def test_a_connection_string_is_all_it_takes():
    found = read()
    assert found.storage == StorageSettings(connection_string="UseDevelopmentStorage=true")
    assert (found.runs_container, found.max_request_bytes) == ("runs", 2 * 1024 * 1024)
    assert found.expose_durable_urls is False


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("FANOUT_STORAGE__accountName", "acct", "https://acct.blob.core.windows.net"),
        ("FANOUT_STORAGE__blobServiceUri", "https://x.blob.example/", "https://x.blob.example/"),
    ],
)
def test_an_account_is_reached_by_identity(name: str, value: str, url: str):
    values = {name: value, "FANOUT_STORAGE__clientId": "id"}
    assert Settings.from_environment(values).storage == StorageSettings(None, url, "id")


def test_settings_are_read_by_name():
    found = read(
        FANOUT_RUNS_CONTAINER="jobs",
        FANOUT_MAX_REQUEST_BYTES="5",
        FANOUT_EXPOSE_DURABLE_URLS="True",
        FANOUT_LOG_LEVEL="debug",
    )
    assert (found.runs_container, found.max_request_bytes) == ("jobs", 5)
    assert (found.expose_durable_urls, found.log_level) == (True, "DEBUG")


@pytest.mark.parametrize(
    "values",
    [
        {"FANOUT_STORAGE": ""},
        {"FANOUT_MAX_REQUEST_BYTES": "many"},
        {"FANOUT_MAX_REQUEST_BYTES": "0"},
        {"FANOUT_EXPOSE_DURABLE_URLS": "perhaps"},
        {"FANOUT_EXPOSE_DURABLE_URLS": "9" * 5_000},
        {"FANOUT_LOG_LEVEL": "VERBOSE"},
        {"FANOUT_LOG_LEVEL": "9" * 5_000},
        {"FANOUT_DOWNSTREAM_RATES": "shop=1,shop=2"},
        {"FANOUT_DOWNSTREAM_RATES": "shop=1_0"},
        {"FANOUT_DOWNSTREAM_RATES": "shop=\u0665"},
        {"FANOUT_DOWNSTREAM_RATES": "shop=" + "9" * 5_000},
        {"FANOUT_DOWNSTREAM_RATES": "shop=1e999"},
        {"FANOUT_DOWNSTREAM_RATES": "shop=nan"},
    ],
)
def test_a_setting_that_makes_no_sense_is_named(values: dict[str, str]):
    with pytest.raises(SettingsError, match=next(iter(values))) as raised:
        read(**values)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("text", "rate"), [("50", 50.0), (" 2.5 ", 2.5), (".5", 0.5), ("1e3", 1000.0), ("1E-2", 0.01)]
)
def test_a_rate_of_a_downstream_is_a_decimal(text: str, rate: float):
    assert read(FANOUT_DOWNSTREAM_RATES=f"shop={text}").downstream_rates == {"shop": rate}


def test_the_example_names_every_setting_and_is_sound():
    values = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    readers = ("fanout/adapters/settings.py", "workloads/notifications/settings.py")
    source = "".join((ROOT / reader).read_text() for reader in readers)
    source += "".join(path.read_text() for path in (ROOT / "schedules").glob("*.json"))
    ours = {name for name in values if name.startswith("FANOUT_")}
    assert all(name in source for name in ours)
    assert Settings.from_environment(values).expose_durable_urls is True


def test_a_credential_is_made_once_for_each_identity():
    assert credential("a") is credential("a")
    assert credential("a") is not credential("b")


@pytest.mark.parametrize(
    ("named", "allowed", "barred"),
    [
        ("", ["inbox"], ["photos", "runs"]),
        ("photos, orders-*", ["photos", "orders-", "orders-eu"], ["inbox", "orders", "photos2"]),
        ("*", ["anything", "inbox"], ["runs"]),
        ("*, runs", ["anything", "runs"], []),
        ("runs*", ["runs2"], ["runs", "inbox"]),
    ],
)
def test_callers_may_have_read_what_is_named(named: str, allowed: list[str], barred: list[str]):
    settings = Settings.from_environment(LOCAL | {"FANOUT_SOURCE_CONTAINERS": named})
    assert all(settings.may_read(container) for container in allowed)
    assert not any(settings.may_read(container) for container in barred)


def test_the_inbox_may_be_read_where_the_app_itself_takes_from_it():
    values = LOCAL | {"FANOUT_SOURCE_CONTAINERS": "photos", "FANOUT_INBOX": "true"}
    assert Settings.from_environment(values).may_read("inbox")


def test_a_star_within_a_name_is_refused():
    with pytest.raises(SettingsError, match="a star is only at the end"):
        Settings.from_environment(LOCAL | {"FANOUT_SOURCE_CONTAINERS": "a*b"})


@pytest.mark.parametrize(
    ("platform", "is_refused"),
    [
        ({}, False),
        ({"WEBSITE_AUTH_ENABLED": "True"}, False),
        ({"WEBSITE_AUTH_ENABLED": "False"}, True),
    ],
)
def test_sign_in_is_trusted_unless_the_platform_says_that_nobody_checks_it(
    platform: dict[str, str], is_refused: bool
):
    values = LOCAL | {"FANOUT_SIGN_IN": "true"} | platform
    if is_refused:
        with pytest.raises(SettingsError, match="WEBSITE_AUTH_ENABLED"):
            Settings.from_environment(values)
    else:
        assert Settings.from_environment(values).sign_in


def test_the_memory_of_a_batch_is_a_setting_with_a_floor():
    assert read().max_batch_memory == 176 * 1024 * 1024
    assert read(FANOUT_MAX_BATCH_MEMORY="67108864").max_batch_memory == 64 * 1024 * 1024
    with pytest.raises(SettingsError, match="FANOUT_MAX_BATCH_MEMORY is '1000'"):
        read(FANOUT_MAX_BATCH_MEMORY="1000")
