"""Formats of numbers, times and outcomes for people."""

from datetime import UTC, datetime

from cli.consoles import make_markup
from cli.outcomes import style

MINUTE, HOUR, DAY = 60, 3600, 86_400


def count(number: float | None) -> str:
    """``12,345``."""
    return "" if number is None else f"{number:,.0f}"


def rate(number: float | None) -> str:
    """``12.3/s``, without a fraction from 100 on."""
    if number is None:
        return ""
    return f"{number:,.1f}/s" if number < 100 else f"{number:,.0f}/s"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3:05 min``, ``2:03 h``, ``4.5 days``."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{int(seconds) // MINUTE}:{int(seconds) % MINUTE:02d} min"
    if seconds < DAY:
        return f"{int(seconds) // HOUR}:{int(seconds) % HOUR // MINUTE:02d} h"
    return f"{seconds / DAY:.1f} days"


def size(number: float) -> str:
    """``12 bytes``, ``1.2 MiB``."""
    if number < 1024:
        return f"{number:.0f} bytes"
    for unit in ("KiB", "MiB", "GiB"):
        number /= 1024
        if number < 1024:
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} TiB"


def moment(text: str | None) -> str:
    """A time in the local time zone, to the second."""
    if not text:
        return ""
    time = datetime.fromisoformat(text)
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return f"{aware.astimezone():%Y-%m-%d %H:%M:%S}"


def outcome(run: dict[str, object]) -> str:
    """The outcome of a run, or its phase while it goes on, with a colour."""
    outcome = run.get("outcome")
    if outcome is None:
        return f"[blue]{make_markup(run['phase'])}[/]"
    return f"[{style(str(outcome))}]{make_markup(str(outcome).replace('_', ' '))}[/]"
