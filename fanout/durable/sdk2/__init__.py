"""The SDK 2.x: `azure-functions-durable` from 2 on, which sits on `durabletask`."""
