"""The settings that a binding's `connection` names: a connection string, or a place and identity.

Source: https://learn.microsoft.com/azure/azure-functions/functions-reference#connections
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from azure.identity.aio import DefaultAzureCredential
from azure.servicebus.aio import ServiceBusClient

from localhost.bindings.contract import BindingError
from localhost.execution.contract import FunctionInfo

SERVICE_BUS = "ServiceBus"
STORAGE = "Storage"
NAMESPACE = "fullyQualifiedNamespace"
PREFIX = "AzureWebJobs"


@dataclass(frozen=True)
class ServiceBusConnection:
    """Where a namespace is: a connection string, or a host name reached by identity."""

    connection_string: str | None = None
    namespace: str | None = None
    client_id: str | None = None

    @classmethod
    def of_binding(
        cls, info: FunctionInfo, binding: Mapping[str, Any], environment: Mapping[str, str]
    ) -> "ServiceBusConnection":
        """Find the connection that a binding names.

        Raises:
            BindingError: There is no such setting.
        """
        named = ConnectionSettings(str(binding.get("connection") or SERVICE_BUS), environment)
        if text := named.text():
            return cls(connection_string=text)
        if namespace := named.part(NAMESPACE):
            return cls(namespace=namespace, client_id=named.part("clientId"))
        raise named.complaint(info, [NAMESPACE])

    async def open(self, exits: AsyncExitStack, **options: Any) -> ServiceBusClient:
        """Make a client, with options of the library's; whoever asks closes it."""
        if self.connection_string is not None:
            client = ServiceBusClient.from_connection_string(self.connection_string, **options)
        else:
            credential = DefaultAzureCredential(managed_identity_client_id=self.client_id)
            await exits.enter_async_context(credential)
            client = ServiceBusClient(str(self.namespace), credential, **options)
        return await exits.enter_async_context(client)


@dataclass(frozen=True)
class StorageConnection:
    """Where a service of an account is: a connection string, or a URL reached by identity."""

    connection_string: str | None = None
    service_uri: str | None = None
    client_id: str | None = None

    @classmethod
    def of_binding(
        cls,
        info: FunctionInfo,
        binding: Mapping[str, Any],
        environment: Mapping[str, str],
        service: str,
    ) -> "StorageConnection":
        """Find the connection that a binding names; `service` is blob, queue or table.

        Raises:
            BindingError: There is no such setting.
        """
        named = ConnectionSettings(str(binding.get("connection") or STORAGE), environment)
        if text := named.text():
            return cls(connection_string=text)
        keys = [f"{service}ServiceUri", "serviceUri", "accountName"]
        for key in keys:
            if value := named.part(key):
                host = f"https://{value}.{service}.core.windows.net"
                uri = host if key == "accountName" else value
                return cls(service_uri=uri, client_id=named.part("clientId"))
        raise named.complaint(info, keys)


class ConnectionSettings:
    """The settings of one connection, whatever the case of their names; `:` is as good as `__`.

    As in Azure those with the prefix `AzureWebJobs` come first, and those with `ConnectionStrings`
    before others; what has a text or a part is the connection, and the rest is not looked at.
    Source: GetWebJobsConnectionStringSection of the WebJobs SDK.
    """

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        values = {key.lower().replace(":", "__"): v for key, v in environment.items() if v}
        candidates = [
            f"{group}{prefix}{name}".lower()
            for prefix in (PREFIX, "")
            for group in ("ConnectionStrings__", "")
        ]
        places = [one for one in candidates if any(_is_at(one, key) for key in values)]
        self._place = places[0] if places else name.lower()
        self._values = values

    def text(self) -> str | None:
        """The connection string."""
        return self._values.get(self._place)

    def part(self, key: str) -> str | None:
        """A value of a connection that has several."""
        return self._values.get(f"{self._place}__{key.lower()}")

    def complaint(self, info: FunctionInfo, keys: list[str]) -> BindingError:
        """What to say where there is none of these."""
        others = " nor ".join(f"'{self._name}__{key}'" for key in keys)
        return BindingError(
            f"Function '{info.name}': its connection names the setting '{self._name}', and neither "
            f"that nor {others} is there. Add it to the Values of local.settings.json or to the "
            f"environment; to start without it, set AzureWebJobs.{info.name}.Disabled=true."
        )


def _is_at(place: str, key: str) -> bool:
    return key == place or key.startswith(f"{place}__")
