"""The SDK 1.x: `azure-functions-durable` below 2."""
