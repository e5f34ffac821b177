"""Who may do what: the roles are the ones meant, each on one resource, and there are no others."""

import re

from fanout.adapters.messaging import DEAD_LETTER_QUEUE, EVENTS_TOPIC, REQUEST_QUEUE
from starters.blob import INBOX
from tests.support.bicep import BicepFile, Declaration, Expression, read_bicep
from tests.support.infra_files import BICEP, MAIN, module
from workloads.orders import shipments

ROLES = module("roles")
OPERATOR_ROLES = module("operator-roles")
FILES = (ROLES, OPERATOR_ROLES)
TYPE = "Microsoft.Authorization/roleAssignments"
# As Azure has them: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
BUILT_IN = {
    "blobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "blobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "blobDataReader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "queueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "tableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "serviceBusDataOwner": "090c5cfd-751d-490a-894a-3ce6f1109419",
    "serviceBusDataReceiver": "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
    "serviceBusDataSender": "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
DURABLE_TASK_DATA_CONTRIBUTOR = "0ad04412-c4d5-4796-b79c-f76d14c8d402"
APP = "identityPrincipalId"
OPERATOR = "operatorId"
# Who, on what, as what, and only if.
WANTED = {
    (APP, "hostStorage", "blobDataOwner", None),
    (APP, "hostStorage", "tableDataContributor", None),
    (APP, "hostStorage", "queueDataContributor", "usesStorageHub"),
    (APP, "runs", "blobDataContributor", None),
    (APP, "sources[i]", "blobDataReader", None),
    (APP, "tables[i]", "tableDataContributor", None),
    (APP, "inbox", "blobDataOwner", "inboxEnabled"),
    (APP, "dataStorage", "queueDataContributor", "inboxEnabled"),
    (APP, "requests", "serviceBusDataOwner", None),
    (APP, "deadLetters", "serviceBusDataSender", None),
    (APP, "shipments", "serviceBusDataSender", None),
    (APP, "events", "serviceBusDataSender", None),
    (APP, "keyVault", "keyVaultSecretsUser", None),
    (APP, "insights", "monitoringMetricsPublisher", None),
    (OPERATOR, "sources[i]", "blobDataContributor", None),
    (OPERATOR, "runs", "blobDataReader", None),
    (OPERATOR, "requests", "serviceBusDataSender", None),
    (OPERATOR, "requests", "serviceBusDataReceiver", None),
    (OPERATOR, "deadLetters", "serviceBusDataReceiver", None),
}


def role(assignment: Declaration) -> str:
    found = re.fullmatch(
        r"subscriptionResourceId\(definitions, roleIds\.(\w+)\)",
        assignment.properties["roleDefinitionId"].text,
    )
    assert found, assignment.symbol
    return found[1]


def assignments() -> list[tuple[BicepFile, Declaration]]:
    return [(file, each) for file in FILES for each in file.of_type(TYPE)]


def test_role_ids_are_those_of_azure():
    found: dict[str, str] = {}
    for file in FILES:
        assert file.variables["roleIds"].items() <= BUILT_IN.items()
        assert file.variables["definitions"] == "Microsoft.Authorization/roleDefinitions"
        found |= file.variables["roleIds"]
    assert found == BUILT_IN
    scheduler = module("durable-task").variables
    assert scheduler["durableTaskDataContributor"] == DURABLE_TASK_DATA_CONTRIBUTOR


def test_each_role_is_given_where_it_is_needed_and_nowhere_else():
    given = {
        (
            each.properties["principalId"].text,
            each.value["scope"].text,
            role(each),
            each.condition,
        )
        for _, each in assignments()
    }
    assert given == WANTED
    assert len(assignments()) == len(WANTED)


def test_every_assignment_is_scoped_to_one_resource_and_named_after_what_it_grants():
    for file, each in assignments():
        scope, who = each.value["scope"].text, each.properties["principalId"].text
        assert scope.removesuffix("[i]") in file.resources
        assert each.value["name"] == Expression(f"guid({scope}.id, {who}, roleIds.{role(each)})")


def test_no_scope_is_a_whole_namespace_and_none_the_data_account_but_for_its_queues():
    scopes = {(each.value["scope"].text, role(each)) for _, each in assignments()}
    assert {name for name, _ in scopes} & {"serviceBus", "dataBlobs", "dataTableService"} == set()
    assert {role for name, role in scopes if name == "dataStorage"} == {"queueDataContributor"}


def test_every_scope_has_the_name_that_the_app_knows_it_by():
    """Both files speak of the same containers, queues and topic."""
    for file in FILES:
        named = {
            symbol: each.value["name"]
            for symbol, each in file.resources.items()
            if each.is_existing
        }
        assert named["runs"] == Expression("runsContainer")
        assert named["sources"] == Expression("each")
        assert named["requests"] == REQUEST_QUEUE
        assert named["deadLetters"] == DEAD_LETTER_QUEUE
    resources = ROLES.resources
    assert resources["events"].value["name"] == EVENTS_TOPIC
    assert resources["shipments"].value["name"] == shipments.QUEUE
    assert resources["inbox"].value["name"] == INBOX
    assert resources["tables"].over == Expression("dataTables")


def test_the_operators_roles_are_given_where_an_operator_is_named():
    assert read_bicep(MAIN).modules["deployerRoles"].condition == "!empty(principalId)"


def test_the_app_is_a_service_principal_and_the_operator_what_was_said():
    for _, each in assignments():
        is_app = each.properties["principalId"] == Expression(APP)
        wanted = "ServicePrincipal" if is_app else Expression("operatorType")
        assert each.properties["principalType"] == wanted


def test_the_scheduler_is_reached_by_a_role_on_its_hub():
    (assignment,) = module("durable-task").of_type(TYPE)
    assert assignment.value["scope"] == Expression("hub")
    assert assignment.properties["principalType"] == "ServicePrincipal"


def test_roles_are_given_in_three_files_only():
    assert {path.name for path in BICEP if read_bicep(path).of_type(TYPE)} == {
        "roles.bicep",
        "operator-roles.bicep",
        "durable-task.bicep",
    }
