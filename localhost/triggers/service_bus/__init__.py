"""The Service Bus trigger: from a message to its settlement."""
