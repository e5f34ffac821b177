"""Where data lies: storage, Service Bus, the vault, the task hub, and the network around them."""

import json
from typing import Any

import pytest

from fanout.adapters.messaging import DEAD_LETTER_QUEUE, EVENTS_TOPIC, REQUEST_QUEUE
from fanout.adapters.rows.rows import table_name
from tests.support.bicep import BicepFile, Choice, Expression, read_bicep
from tests.support.infra_files import MAIN, ROOT, module
from workloads.orders import inventory, shipments, wallet

LOCAL = json.loads((ROOT / "localhost" / "servicebus.json").read_text())
NAMESPACE = LOCAL["UserConfig"]["Namespaces"][0]
HOST = json.loads((ROOT / "host.json").read_text())
STORAGE = module("storage")
BUS = module("service-bus")
QUEUES = "Microsoft.ServiceBus/namespaces/queues"
TOPICS = "Microsoft.ServiceBus/namespaces/topics"


def by_name(file: BicepFile, resource_type: str) -> dict[str, dict[str, Any]]:
    return {each.value["name"]: each.properties for each in file.of_type(resource_type)}


def of_local(entity: dict[str, Any]) -> dict[str, Any]:
    """The properties of an entity of the development broker, as Bicep spells them."""
    return {name[0].lower() + name[1:]: value for name, value in entity["Properties"].items()}


def test_storage_takes_no_key_no_anonymous_reader_and_no_old_tls():
    account = STORAGE.only("Microsoft.Storage/storageAccounts").properties
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    assert account["minimumTlsVersion"] == "TLS1_2"
    assert account["supportsHttpsTrafficOnly"] is True
    assert account["defaultToOAuthAuthentication"] is True
    container = STORAGE.only("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert container.properties == {"publicAccess": "None"}


def test_blobs_and_containers_can_be_brought_back_for_a_week():
    blobs = STORAGE.only("Microsoft.Storage/storageAccounts/blobServices").properties
    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        assert blobs[policy] == {"enabled": True, "days": 7}


def test_run_data_is_deleted_by_a_lifecycle_rule_after_the_sweep_has_had_its_turn():
    lifecycle = STORAGE.only("Microsoft.Storage/storageAccounts/managementPolicies")
    (rule,) = lifecycle.properties["policy"]["rules"]
    assert rule["enabled"] is True
    assert rule["definition"]["filters"]["prefixMatch"] == [Expression("temporaryPrefix")]
    deleted = rule["definition"]["actions"]["baseBlob"]["delete"]
    assert deleted == {"daysAfterModificationGreaterThan": Expression("temporaryDays")}
    main = read_bicep(MAIN)
    data = main.modules["dataStorage"].value["params"]
    assert data["temporaryPrefix"] == Expression("'${runsContainer}/'")
    assert data["temporaryDays"] == Expression("runRetentionDays + 7")
    settings = main.modules["settings"].value["params"]
    assert settings["runRetentionDays"] == Expression("runRetentionDays")
    assert main.modules["hostStorage"].value["params"]["temporaryPrefix"] == ""


def test_the_host_and_the_data_have_accounts_of_their_own():
    modules = read_bicep(MAIN).modules
    names = [modules[name].value["params"]["name"] for name in ("hostStorage", "dataStorage")]
    assert names[0] != names[1]
    for name in ("hostStorage", "dataStorage"):
        assert modules[name].of == "modules/storage.bicep"
    containers = modules["dataStorage"].value["params"]["containers"]
    assert "runsContainer" in containers.text


def test_the_tables_of_runs_and_ledgers_are_there_for_the_app_may_make_none():
    main = read_bicep(MAIN)
    of_runs = table_name(str(main.variables["runsContainer"]))
    ledgers = [inventory.TABLE, shipments.TABLE, wallet.TABLE]
    assert main.variables["dataTables"] == [of_runs, *ledgers]
    for name in ("dataStorage", "roles"):
        params = main.modules[name].value["params"]
        assert Expression("dataTables") in params.values()


def test_service_bus_takes_entra_tokens_only():
    namespace = BUS.only("Microsoft.ServiceBus/namespaces").properties
    assert namespace["disableLocalAuth"] is True
    assert namespace["minimumTlsVersion"] == "1.2"


def test_the_queues_topic_and_subscriptions_are_those_the_app_names():
    assert set(by_name(BUS, QUEUES)) == {REQUEST_QUEUE, DEAD_LETTER_QUEUE, shipments.QUEUE}
    assert set(by_name(BUS, TOPICS)) == {EVENTS_TOPIC}
    assert set(by_name(BUS, f"{TOPICS}/subscriptions")) == {"all", "failures"}


def test_every_entity_of_the_development_broker_is_here_with_the_same_properties():
    here = by_name(BUS, QUEUES)
    for queue in NAMESPACE["Queues"]:
        wanted = of_local(queue)
        assert wanted.items() <= here[queue["Name"]].items(), queue["Name"]
    topics = by_name(BUS, TOPICS)
    subscriptions = by_name(BUS, f"{TOPICS}/subscriptions")
    for topic in NAMESPACE["Topics"]:
        assert of_local(topic).items() <= topics[topic["Name"]].items()
        for subscription in topic["Subscriptions"]:
            wanted = of_local(subscription)
            assert wanted.items() <= subscriptions[subscription["Name"]].items()


@pytest.mark.parametrize("queue", sorted(by_name(BUS, QUEUES)))
def test_every_queue_sets_aside_what_expires_and_what_fails_too_often(queue: str):
    properties = by_name(BUS, QUEUES)[queue]
    assert properties["deadLetteringOnMessageExpiration"] is True
    assert properties["maxDeliveryCount"] == 10


def test_whatever_the_app_sends_is_watched_for_duplicates():
    sent = {name: each for name, each in by_name(BUS, QUEUES).items() if name != REQUEST_QUEUE}
    for properties in (*sent.values(), *by_name(BUS, TOPICS).values()):
        assert properties["requiresDuplicateDetection"] is True
        assert properties["duplicateDetectionHistoryTimeWindow"] == "PT10M"


def test_the_subscription_of_failures_takes_the_runs_that_someone_must_look_at():
    rule = BUS.only(f"{TOPICS}/subscriptions/rules")
    assert rule.value["parent"] == Expression("failures")
    assert rule.value["name"] == "$Default"
    wanted = "type IN ('fanout.run.failed', 'fanout.run.compensated')"
    assert rule.properties["sqlFilter"]["sqlExpression"] == wanted


def test_the_vault_goes_by_roles_and_keeps_what_is_deleted():
    vault = module("key-vault").only("Microsoft.KeyVault/vaults").properties
    assert vault["enableRbacAuthorization"] is True
    assert vault["enableSoftDelete"] is True
    assert "accessPolicies" not in vault


def test_what_was_taken_down_can_be_put_up_again_at_once_unless_the_vault_is_to_stay():
    """`azd down --purge` purges a vault that may be, and leaves one that may not for a week.

    Azure refuses the value false: https://github.com/Azure/bicep/issues/5223
    """
    vault = module("key-vault").only("Microsoft.KeyVault/vaults").properties
    assert vault["enablePurgeProtection"] == Choice("purgeProtection", True, None)
    main = read_bicep(MAIN)
    assert main.params["vaultPurgeProtection"].value is False
    given = main.modules["keyVault"].value["params"]["purgeProtection"]
    assert given == Expression("vaultPurgeProtection")
    assert main.modules["keyVault"].condition == "hasVault"
    assert main.variables["hasVault"] == Expression("!empty(secretSettings)")


def test_the_backend_is_chosen_by_a_parameter_and_the_scheduler_made_only_then():
    main = read_bicep(MAIN)
    assert main.params["durableBackend"].decorators["allowed"] == [
        ["AzureStorage", "DurableTaskScheduler"]
    ]
    assert main.params["durableBackend"].value == "AzureStorage"
    assert main.variables["isOnScheduler"] == Expression("durableBackend == 'DurableTaskScheduler'")
    assert main.modules["scheduler"].condition == "isOnScheduler"


def test_the_scheduler_has_a_hub_of_the_name_in_host_json_and_lets_the_app_reach_it():
    file = module("durable-task")
    scheduler = file.only("Microsoft.DurableTask/schedulers").properties
    assert scheduler["ipAllowlist"] == ["0.0.0.0/0"], "an empty list would deny everybody"
    assert scheduler["sku"] == Choice(
        "skuName == 'Dedicated'", {"name": "Dedicated", "capacity": 1}, {"name": "Consumption"}
    )
    hub = file.only("Microsoft.DurableTask/schedulers/taskHubs")
    assert hub.value["name"] == Expression("taskHubName")
    name = read_bicep(MAIN).variables["taskHubName"]
    assert name == HOST["extensions"]["durableTask"]["hubName"]
