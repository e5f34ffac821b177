"""The durable HTTP API: the public webhooks, and the same for the SDK."""
