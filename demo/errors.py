"""What can go wrong with a demo."""


class DemoError(Exception):
    """The demo cannot go on; the message is for the person who started it."""
