"""Development servers beside the host: storage emulator, Service Bus broker, mail sink."""
