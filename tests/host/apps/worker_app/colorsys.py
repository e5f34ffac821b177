"""Has the name of a module of Python's own, which is found first."""

ORIGIN = "app"
