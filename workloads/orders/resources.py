"""The resources of orders: the tables and the Service Bus of this process."""

from fanout.adapters.messaging import Messaging, messaging
from fanout.adapters.settings import SERVICE_BUS, SettingsError
from fanout.adapters.tables import Tables, table_store


class Resources:
    """The tables and the Service Bus of this process, each made when it is first used."""

    @property
    def tables(self) -> Tables:
        """The tables of the storage account."""
        return table_store()

    @property
    def messaging(self) -> Messaging:
        """The Service Bus.

        Raises:
            SettingsError: None is configured.
        """
        service_bus = messaging()
        if service_bus is None:
            raise SettingsError(f"Set {SERVICE_BUS}: orders send messages.")
        return service_bus
