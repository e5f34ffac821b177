"""A command on a terminal, recorded as an SVG whose frames follow each other."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from html import escape
from itertools import groupby

import pyte

from demo.errors import DemoError

CELL, LINE = 8.4, 18
COLOURS = {
    "default": "#d4d4d8", "black": "#71717a", "red": "#f87171", "green": "#4ade80",
    "brown": "#facc15", "yellow": "#facc15", "blue": "#60a5fa", "magenta": "#e879f9",
    "cyan": "#22d3ee", "white": "#f4f4f5",
}  # fmt: skip
BACKGROUND = "#18181b"
LEAST_SECONDS = 0.2  # shorter frames are skipped
LAST_SECONDS = 4.0
Cell = tuple[str, str, bool]
Screen = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Frame:
    """What a terminal showed, and for how many seconds."""

    screen: Screen
    seconds: float


def record(
    command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int], seconds: float
) -> list[Frame]:
    """Carry out a command on a terminal of so many columns and rows, and record what it shows.

    Raises:
        DemoError: It was not over in time.
    """
    columns, rows = size
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command], stdin=follower, stdout=follower, stderr=follower,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": str(columns)},
    )  # fmt: skip
    os.close(follower)
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    shown: list[tuple[float, Screen]] = []
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < seconds:
        if not select.select([leader], [], [], 0.1)[0]:
            continue
        try:
            stream.feed(os.read(leader, 65536))
        except OSError:  # the command is over
            break
        shown.append((now, _cells(screen)))
    os.close(leader)
    if process.poll() is None and process.wait(5) is None:
        raise DemoError(f"{' '.join(command)} was not over in {seconds:.0f} s")
    return frames(shown)


def frames(shown: Sequence[tuple[float, Screen]]) -> list[Frame]:
    """Make frames of what was shown when: none twice in a row, none too short."""
    made: list[Frame] = []
    ends = [at for at, _ in shown[1:]] + [shown[-1][0] + LAST_SECONDS]
    held = 0.0
    for (at, screen), end in zip(shown, ends, strict=True):
        held += end - at
        if held < LEAST_SECONDS:
            continue
        if made and made[-1].screen == screen:
            made[-1] = Frame(screen, made[-1].seconds + held)
        else:
            made.append(Frame(screen, held))
        held = 0.0
    return made


def _cells(screen: pyte.Screen) -> Screen:
    return tuple(
        tuple(
            (cell.data or " ", cell.fg, cell.bold)
            for cell in (screen.buffer[row][column] for column in range(screen.columns))
        )
        for row in range(screen.lines)
    )


def svg(recorded: Sequence[Frame], title: str) -> str:
    """Draw the frames one after the other, again and again.

    Source: https://www.w3.org/TR/css-animations-1/
    """
    rows = max(_height(frame.screen) for frame in recorded)
    columns = len(recorded[0].screen[0])
    width, height = columns * CELL + 24, rows * LINE + 24
    total = sum(frame.seconds for frame in recorded)
    rules, groups, begun = [], [], 0.0
    for number, frame in enumerate(recorded):
        first, last = 100 * begun / total, 100 * (begun + frame.seconds) / total
        begun += frame.seconds
        rules.append(
            f"@keyframes f{number}{{0%,{first:.3f}%{{visibility:hidden}}"
            f"{first + 0.001:.3f}%,{last:.3f}%{{visibility:visible}}"
            f"{min(100, last + 0.001):.3f}%,100%{{visibility:hidden}}}}"
            f"#f{number}{{animation:f{number} {total:.2f}s infinite}}"
        )
        groups.append(f'<g id="f{number}">{"".join(_lines(frame.screen))}</g>')
    style = (
        "text{font:14px ui-monospace,Menlo,Consolas,monospace;white-space:pre}.b{font-weight:700}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{style}{''.join(rules)}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{"".join(groups)}</svg>\n'
    )


def _height(screen: Screen) -> int:
    used = [n for n, line in enumerate(screen, 1) if any(cell[0] != " " for cell in line)]
    return max(used, default=1)


def _lines(screen: Screen) -> Iterable[str]:
    for number, line in enumerate(screen):
        column = 0
        for (colour, is_bold), cells in groupby(line, key=lambda cell: (cell[1], cell[2])):
            text = "".join(cell[0] for cell in cells)
            if text.strip():
                left = column + len(text) - len(text.lstrip())
                shown = text.strip()
                bold = ' class="b"' if is_bold else ""
                fill = COLOURS.get(colour, f"#{colour}" if len(colour) == 6 else COLOURS["default"])
                place = f'x="{12 + left * CELL:.1f}" y="{26 + number * LINE}"'
                width = f'textLength="{len(shown) * CELL:.1f}"'
                yield f'<text {place} {width} fill="{fill}"{bold}>{escape(shown)}</text>'
            column += len(text)
