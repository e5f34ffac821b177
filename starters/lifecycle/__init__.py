"""Checking, claiming, starting, looking at and deleting runs, whatever triggers it."""
