"""A module of the app."""

ORIGIN = "app"
