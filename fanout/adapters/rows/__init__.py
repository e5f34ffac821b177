"""The rows of runs in Table storage."""
