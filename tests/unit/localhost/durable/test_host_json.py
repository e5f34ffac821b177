import pytest

from localhost.durable.host_json import DurableSettings, DurableSettingsError


def test_settings_have_the_extensions_defaults():
    settings = DurableSettings.from_host_json({})
    assert settings == DurableSettings()
    assert (settings.hub_name, settings.max_orchestration_actions) == ("TestHubName", 100_000)


def test_settings_are_read_and_unknown_keys_ignored():
    settings = DurableSettings.from_host_json(
        {
            "hubName": "MyHub",
            "maxConcurrentActivityFunctions": 3,
            "defaultVersion": "2.0",
            "overridableExistingInstanceStates": "anystate",
            "storageProvider": {"type": "mssql"},
            "httpSettings": {"defaultAsyncRequestSleepTimeMilliseconds": 500},
            "replaySchemaVersion": 1,
        }
    )
    assert settings.hub_name == "MyHub"
    assert settings.max_concurrent_activities == 3
    assert settings.overridable_existing_instance_states == "AnyState"
    assert settings.http_poll_seconds == 0.5
    assert settings.replay_schema == 1


@pytest.mark.parametrize(
    "section",
    [
        {"hubName": "1x"},
        {"hubName": "with-dash"},
        {"maxConcurrentActivityFunctions": 0},
        {"maxEntityOperationBatchSize": "7"},
        {"maxOrchestrationActions": True},
        {"versionMatchStrategy": "Sometimes"},
        {"replaySchemaVersion": 4},
    ],
)
def test_a_bad_setting_is_named(section):
    with pytest.raises(DurableSettingsError, match=next(iter(section))):
        DurableSettings.from_host_json(section)
