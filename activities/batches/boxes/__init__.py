"""Time boxes: a batch gives back what it has not begun, so that others take it."""
