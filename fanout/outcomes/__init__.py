"""Outcomes of items, as they are written."""
