"""The function app: its plan, its instances, its identity, who may call it, and its settings."""

import json
import re
import subprocess
from typing import Any

import pytest

from starters.diagnosis.vault import REFERENCE
from starters.lifecycle.stalls import LEAST_STALLED_SECONDS
from tests.support.bicep import Choice, Expression, read_bicep
from tests.support.bicep_values import worth
from tests.support.infra_files import MAIN, ROOT, module

HOST = json.loads((ROOT / "host.json").read_text())
EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
DURABLE = HOST["extensions"]["durableTask"]
APP = module("function-app")
SETTINGS = module("app-settings")
# Set in functionAppConfig on Flex Consumption, and refused as an app setting.
NOT_A_SETTING = {"FUNCTIONS_WORKER_RUNTIME"}
THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
# For functions that are neither async nor durable: the page of the dashboard.
OTHER_THREADS = 4
# Empty or local in the example: in Azure these are connections by identity or other values.
OF_THE_ENVIRONMENT = {
    "FANOUT_EXPOSE_DURABLE_URLS",
    "FANOUT_INBOX",
    "FANOUT_RETENTION_DAYS",
    "FANOUT_RUNS_CONTAINER",
    "FANOUT_SIGN_IN",
    "FANOUT_SOURCE_CONTAINERS",
}
SECRETS = {"FANOUT_SMTP", "FANOUT_WEBHOOK_SECRET", "FANOUT_SMS_TOKEN"}
GROUPS = ("connections", "messaging", "fanout", "platform", "scheduler")
UNSUPPORTED_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_TIME_ZONE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
}


def group(name: str) -> dict[str, Any]:
    """One of the objects that the settings are put together from."""
    found = SETTINGS.variables[name]
    return found.no if isinstance(found, Choice) else found


def names_without_connections(settings: dict[str, Any]) -> set[str]:
    """Setting names; a connection of several settings counts as one."""
    return {name.partition("__")[0] for name in settings}


def test_the_plan_is_flex_consumption_on_linux():
    plan = APP.only("Microsoft.Web/serverfarms")
    assert plan.value["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert plan.properties["reserved"] is True
    assert APP.only("Microsoft.Web/sites").value["kind"] == "functionapp,linux"


def test_the_app_runs_the_newest_python_that_it_knows_unless_told_otherwise():
    declared = read_bicep(MAIN).params["pythonVersion"]
    listed = [ROOT / ".ci" / "python", "--versions"]
    known = subprocess.run(listed, capture_output=True, check=True, text=True).stdout.split()
    assert declared.decorators["allowed"] == [sorted(known)]
    assert declared.value == known[0] == max(known)


def test_the_app_runs_python_with_as_many_instances_always_ready_as_are_wanted():
    config = APP.only("Microsoft.Web/sites").properties["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": Expression("pythonVersion")}
    scale = config["scaleAndConcurrency"]
    # Azure asks for one at least of each group that is named.
    assert scale["alwaysReady"] == Choice(
        "durableAlwaysReady == 0",
        [],
        [{"name": "durable", "instanceCount": Expression("durableAlwaysReady")}],
    )
    assert read_bicep(MAIN).params["durableAlwaysReady"].value == 0
    assert scale["maximumInstanceCount"] == Expression("maximumInstanceCount")
    assert scale["instanceMemoryMB"] == Expression("instanceMemoryMB")


def test_packages_are_deployed_with_the_identity():
    config = APP.only("Microsoft.Web/sites").properties["functionAppConfig"]
    assert config["deployment"]["storage"] == {
        "type": "blobContainer",
        "value": Expression("packageUrl"),
        "authentication": {
            "type": "UserAssignedIdentity",
            "userAssignedIdentityResourceId": Expression("identityId"),
        },
    }


def test_the_app_has_the_user_assigned_identity_and_no_other():
    app = APP.only("Microsoft.Web/sites")
    assert app.value["identity"]["type"] == "UserAssigned"
    assert list(app.value["identity"]["userAssignedIdentities"]) == ["'${identityId}'"]
    assert app.properties["keyVaultReferenceIdentity"] == Expression("identityId")
    made = module("identity").only("Microsoft.ManagedIdentity/userAssignedIdentities")
    assert made.value["name"] == Expression("name")


def test_the_app_is_reached_over_tls_only_and_takes_no_passwords():
    app = APP.only("Microsoft.Web/sites")
    assert app.properties["httpsOnly"] is True
    assert app.properties["siteConfig"]["minTlsVersion"] == "1.2"
    assert app.properties["siteConfig"]["ftpsState"] == "Disabled"
    policies = APP.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {each.value["name"]: each.properties["allow"] for each in policies} == {
        "ftp": False,
        "scm": False,
    }


def test_sign_in_by_entra_refuses_whoever_has_no_token_of_the_tenant():
    sign_in = APP.resources["signIn"]
    assert sign_in.type == "Microsoft.Web/sites/config"
    assert sign_in.value["name"] == "authsettingsV2"
    asked = sign_in.properties
    on = Expression("asksForTokens")
    assert APP.variables["asksForTokens"] == Expression("!empty(authClientId)")
    assert asked["platform"] == {"enabled": on}
    validation = asked["globalValidation"]
    assert validation["requireAuthentication"] == on
    assert validation["unauthenticatedClientAction"] == Choice(
        "asksForTokens", "Return401", "AllowAnonymous"
    )
    entra = asked["identityProviders"]["azureActiveDirectory"]
    assert entra["registration"]["clientId"] == Expression("authClientId")
    assert "subscription().tenantId" in entra["registration"]["openIdIssuer"].text
    assert entra["validation"]["allowedAudiences"] == [
        Expression("authClientId"),
        Expression("'api://${authClientId}'"),
    ]
    assert asked["login"]["tokenStore"] == {"enabled": False}


def test_the_app_asks_for_roles_where_callers_sign_in_and_for_keys_where_they_do_not():
    given = read_bicep(MAIN).modules["settings"].value["params"]
    assert given["signIn"] == Expression("!empty(authClientId)")
    assert given["signIn"] == APP.variables["asksForTokens"]
    assert group("fanout")["FANOUT_SIGN_IN"] == Expression("string(signIn)")


def test_callers_may_have_read_what_was_named_and_the_identity_reads_what_has_a_name():
    """A pattern opens containers to callers; to the app they are opened by whoever makes them."""
    main = read_bicep(MAIN)
    assert main.modules["settings"].value["params"]["sourceContainers"] == Choice(
        "inboxEnabled",
        Expression("union(readableContainers, [\n      'inbox'\n    ])"),
        Expression("readableContainers"),
    )
    roles = main.modules["roles"].value["params"]
    assert roles["sourceContainers"] == Expression("inputContainers")
    named = group("fanout")["FANOUT_SOURCE_CONTAINERS"]
    assert named == Expression("join(sourceContainers, ',')")


def test_only_the_probe_is_open_and_the_blob_webhook_where_there_is_an_inbox():
    assert APP.variables["openPaths"] == Choice(
        "inboxEnabled", ["/api/health", "/runtime/webhooks/blobs"], ["/api/health"]
    )


def test_the_app_joins_a_subnet_where_it_is_given_one():
    joined = APP.only("Microsoft.Web/sites").properties["virtualNetworkSubnetId"]
    assert joined == Choice("empty(subnetId)", None, Expression("subnetId"))


def test_app_settings_have_the_names_of_the_example_and_no_other():
    named = names_without_connections(
        group("connections") | group("messaging") | group("fanout"),
    )
    assert named == set(EXAMPLE) - NOT_A_SETTING - {THREADS}


def test_app_settings_have_the_values_of_the_example_where_azure_changes_nothing():
    ours = group("fanout")
    same = set(ours) - OF_THE_ENVIRONMENT - SECRETS
    assert {name: ours[name] for name in same} == {name: EXAMPLE[name] for name in same}
    assert ours["FANOUT_EXPOSE_DURABLE_URLS"] == "false"


def test_all_groups_are_put_together_and_overrides_come_last():
    assert SETTINGS.outputs["values"].value == Expression(
        "union(connections, messaging, fanout, platform, scheduler, secrets, overrides)"
    )
    assert APP.resources["appSettings"].value["name"] == "appsettings"
    assert APP.resources["appSettings"].value["properties"] == Expression("settings")


def test_secrets_are_references_to_the_vault_or_nothing():
    assert {name: group("fanout")[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")
    given = read_bicep(MAIN).modules["settings"].value["params"]
    assert given["vaultSettings"] == Expression("secretSettings")


@pytest.mark.parametrize(
    ("setting", "secret"),
    [
        ("FANOUT_SMTP", "fanout-smtp"),
        ("FANOUT_WEBHOOK_SECRET", "fanout-webhook-secret"),
        ("FANOUT_SMS_TOKEN", "fanout-sms-token"),
        ("PRICES_API_KEY", "prices-api-key"),
    ],
)
def test_every_setting_that_is_listed_is_a_reference_that_the_doctor_knows(
    setting: str, secret: str
):
    """That of a workload too: or there would be a vault that nothing refers to."""
    known = {"vaultUri": "https://kv.vault.azure.net/", "vaultSettings": [setting]}
    found = worth(SETTINGS, SETTINGS.variables["secrets"], known)
    uri = f"https://kv.vault.azure.net/secrets/{secret}"
    assert found == {setting: f"@Microsoft.KeyVault(SecretUri={uri})"}
    assert found[setting].startswith(REFERENCE)


def test_every_connection_is_made_by_the_identity():
    connections = group("connections") | group("messaging")
    for name in ("AzureWebJobsStorage", "FANOUT_STORAGE", "FANOUT_SERVICE_BUS"):
        assert connections[f"{name}__credential"] == "managedidentity"
        assert connections[f"{name}__clientId"] == Expression("identityClientId")
        # The name alone would win over its group.
        assert name not in connections
    # `accountName` is understood for the host's storage only.
    assert "AzureWebJobsStorage__accountName" in connections
    assert {"FANOUT_STORAGE__blobServiceUri", "FANOUT_STORAGE__queueServiceUri"} <= set(connections)
    assert "FANOUT_SERVICE_BUS__fullyQualifiedNamespace" in connections


def test_telemetry_is_sent_with_the_identity():
    platform = group("platform")
    assert platform["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == Expression(
        "'ClientId=${identityClientId};Authorization=AAD'"
    )
    assert platform["AZURE_CLIENT_ID"] == Expression("identityClientId")


def test_no_setting_is_one_that_flex_consumption_refuses():
    every = set().union(*map(group, GROUPS))
    assert every & UNSUPPORTED_ON_FLEX == set()


def test_the_worker_has_a_thread_for_each_call_that_the_host_hands_it():
    limits = {
        name: n for name, n in DURABLE.items() if re.match(r"maxConcurrent\w+Functions$", name)
    }
    assert EXAMPLE[THREADS] == str(sum(limits.values()) + OTHER_THREADS)
    read = "loadJsonContent('../../host.json', 'extensions.durableTask')"
    assert SETTINGS.variables["durableLimits"] == Expression(read)
    total = " + ".join(["activityLimit", "orchestratorLimit", str(OTHER_THREADS)])
    assert group("platform")[THREADS] == Expression(f"string({total})")
    assert set(limits) == {
        "maxConcurrentActivityFunctions",
        "maxConcurrentOrchestratorFunctions",
    }


def test_other_limits_than_those_of_host_json_get_their_threads_too():
    asked = {"maxActivities": "Activity", "maxOrchestrators": "Orchestrator"}
    settings = read_bicep(MAIN).modules["settings"].value["params"]
    for parameter, kind in asked.items():
        limit = SETTINGS.variables[f"{kind.lower()}Limit"]
        in_file = Expression(f"durableLimits.maxConcurrent{kind}Functions")
        assert limit == Choice(f"{parameter} == 0", in_file, Expression(parameter))
        assert settings[parameter] == Expression(parameter)
        assert read_bicep(MAIN).params[parameter].value == 0


def test_traces_of_durable_are_asked_for_only_where_application_insights_is():
    # The extension warns at each start of an app that asks for them and has none.
    assert "tracing" not in DURABLE
    asked = "AzureFunctionsJobHost__extensions__durableTask__tracing__"
    platform = group("platform")
    assert platform["APPLICATIONINSIGHTS_CONNECTION_STRING"]
    assert platform[f"{asked}distributedTracingEnabled"] == "true"
    assert platform[f"{asked}version"] == "V2"


def test_an_instance_has_a_second_worker_for_when_the_first_dies():
    assert group("platform")["FUNCTIONS_WORKER_PROCESS_COUNT"] == "2"


def seconds_of(setting: str) -> float:
    hours, minutes, seconds = map(float, DURABLE["storageProvider"][setting].split(":"))
    return hours * 3600 + minutes * 60 + seconds


def test_a_hop_between_instances_waits_half_a_second_at_most():
    assert seconds_of("maxQueuePollingInterval") == 0.5


def test_what_an_instance_had_fetched_when_it_was_killed_shows_again_after_a_minute():
    timeouts = ("controlQueueVisibilityTimeout", "workItemQueueVisibilityTimeout")
    assert {name: seconds_of(name) for name in timeouts} == dict.fromkeys(timeouts, 60)


def test_an_instance_that_is_told_to_go_finishes_what_it_has_begun():
    assert DURABLE["useGracefulShutdown"] is True


def test_a_run_is_said_to_have_stalled_only_after_what_a_killed_instance_had_is_tried_again():
    assert seconds_of("workItemQueueVisibilityTimeout") * 2 <= LEAST_STALLED_SECONDS


def test_the_scheduler_is_reached_by_its_connection_where_it_is_the_backend():
    chosen = SETTINGS.variables["scheduler"]
    assert (chosen.condition, chosen.yes) == ("empty(schedulerEndpoint)", {})
    assert chosen.no == {
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING": Expression(
            "'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;"
            "ClientID=${identityClientId}'"
        )
    }


def test_nothing_that_the_scale_controller_reads_in_host_json_is_said_by_a_setting():
    """It reads the file of the package: an app that a setting moves elsewhere is not scaled.

    Source: https://github.com/Azure/azure-functions-host, FunctionsSyncManager.cs
    """
    every = set().union(*map(group, GROUPS))
    of_durable = {name for name in every if name.startswith("AzureFunctionsJobHost__")}
    assert of_durable == {
        f"AzureFunctionsJobHost__extensions__durableTask__tracing__{name}"
        for name in ("distributedTracingEnabled", "version")
    }


def test_an_app_without_a_service_bus_is_told_of_none():
    told = SETTINGS.variables["messaging"]
    assert (told.condition, told.yes) == ("empty(serviceBusHost)", {})
    named = names_without_connections(group("connections") | group("fanout"))
    assert "FANOUT_SERVICE_BUS" not in named
