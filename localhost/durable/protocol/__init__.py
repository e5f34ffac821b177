"""What the Durable extension and the SDK write: actions, history events, failure texts."""
