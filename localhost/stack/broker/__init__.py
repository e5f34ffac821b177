"""The development Service Bus: an AMQP 1.0 broker for one developer's machine and for tests.

It is a process of its own that azure-servicebus connects to as it does to Microsoft's emulator.
"""
