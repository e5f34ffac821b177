"""Where the embedded host is better left different from Microsoft's engine, and why."""

_STAND_IN = (
    "the program that stands in for the Functions host and its worker answers so, not the "
    "extension: it loses an activity that raises this; here it fails like any other"
)
_REWIND = (
    "the engine rewrites the history it failed with into empty events; here what failed is taken "
    "out, which also works with timers and failed siblings"
)

DIFFERENCES: dict[str, str] = {
    "catch_cancelled": _STAND_IN,
    "catch_stop": _STAND_IN,
    "raise_cancelled": _STAND_IN,
    "uncaught_cancelled": _STAND_IN,
    "uncaught_stop": _STAND_IN,
    "entity_fail": (
        "the engine loses an operation whose answer cannot be encoded, and its caller waits for "
        "ever; here the operation fails, and the others of its batch go on"
    ),
    "rewinding": _REWIND,
    "rewind_raise": _REWIND,
    "start_bodies": (
        "an input that is a comment breaks every list of the engine, one of spaces its "
        "orchestrator; here the first is refused, the second is none"
    ),
    "suspending": (
        "the engine lets a suspended orchestrator see events, which shows in its custom status, "
        "but starts nothing for it; here nothing of it runs"
    ),
}
