"""Which settings a connection is made of, and what is said where there are none."""

import pytest

from localhost.bindings.connections import ServiceBusConnection, StorageConnection
from localhost.bindings.contract import BindingError
from localhost.execution.contract import FunctionInfo

TRIGGER = {"name": "t", "type": "httpTrigger"}
INFO = FunctionInfo("tell", TRIGGER, [TRIGGER], is_async=False)


@pytest.mark.parametrize(
    ("connection", "environment", "expected"),
    [
        ("BUS", {"BUS": "Endpoint"}, ServiceBusConnection("Endpoint")),
        ("", {"AzureWebJobsServiceBus": "Endpoint"}, ServiceBusConnection("Endpoint")),
        ("bus", {"ConnectionStrings:BUS": "Endpoint"}, ServiceBusConnection("Endpoint")),
        (
            "BUS",
            {"BUS__fullyQualifiedNamespace": "n.servicebus.windows.net", "BUS__clientId": "id"},
            ServiceBusConnection(namespace="n.servicebus.windows.net", client_id="id"),
        ),
    ],
)
def test_a_namespace_is_found(connection, environment, expected):
    found = ServiceBusConnection.of_binding(INFO, {"connection": connection}, environment)
    assert found == expected


@pytest.mark.parametrize(
    ("connection", "environment", "expected"),
    [
        ("", {"AzureWebJobsStorage": "Account"}, StorageConnection("Account")),
        ("Q", {"Q": "Account", "Q__serviceUri": "https://x"}, StorageConnection("Account")),
        ("Q", {"Q__queueServiceUri": "https://q"}, StorageConnection(service_uri="https://q")),
        (
            "Q",
            {"q:SERVICEURI": "https://q", "Q__clientId": "id"},
            StorageConnection(service_uri="https://q", client_id="id"),
        ),
        # An environment may have a STORAGE of its own.
        (
            "",
            {"STORAGE": "/mnt/disk", "AzureWebJobsStorage": "Account"},
            StorageConnection("Account"),
        ),
        (
            "Storage",
            {"STORAGE": "/mnt/disk", "AzureWebJobsStorage__queueServiceUri": "https://q"},
            StorageConnection(service_uri="https://q"),
        ),
        (
            "Q",
            {"Q": "Account", "ConnectionStrings:Q": "First"},
            StorageConnection("First"),
        ),
        (
            "Q",
            {"Q": "Account", "AzureWebJobsQ": ""},
            StorageConnection("Account"),
        ),
        (
            "AzureWebJobsStorage",
            {"AzureWebJobsStorage__accountName": "mine"},
            StorageConnection(service_uri="https://mine.queue.core.windows.net"),
        ),
    ],
)
def test_an_account_is_found(connection, environment, expected):
    binding = {"connection": connection}
    assert StorageConnection.of_binding(INFO, binding, environment, "queue") == expected


@pytest.mark.parametrize("environment", [{}, {"Q": ""}, {"Q__blobServiceUri": "https://b"}])
def test_a_connection_without_a_setting_is_refused_with_what_to_do(environment):
    with pytest.raises(BindingError) as refused:
        StorageConnection.of_binding(INFO, {"connection": "Q"}, environment, "queue")
    text = str(refused.value)
    assert text.startswith("Function 'tell': its connection names the setting 'Q'")
    assert "'Q__queueServiceUri'" in text and "AzureWebJobs.tell.Disabled=true" in text
