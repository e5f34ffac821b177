"""The Storage queue trigger: from a message to its deletion, or to the poison queue."""
