"""Record a command on a terminal as an animated SVG."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from html import escape
from itertools import groupby

import pyte

from demo.errors import DemoError

CELL, LINE = 8.4, 18
COLOURS = {
    "default": "#d4d4d8",
    "black": "#71717a",
    "red": "#f87171",
    "green": "#4ade80",
    "brown": "#facc15",
    "yellow": "#facc15",
    "blue": "#60a5fa",
    "magenta": "#e879f9",
    "cyan": "#22d3ee",
    "white": "#f4f4f5",
}
BACKGROUND = "#18181b"
MIN_SECONDS = 0.2  # shorter frames are skipped
LAST_SECONDS = 4.0
Cell = tuple[str, str, bool]
Screen = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Frame:
    """A screen of a terminal, and for how many seconds it was shown."""

    screen: Screen
    seconds: float


def record(
    command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int], seconds: float
) -> list[Frame]:
    """Run a command on a terminal of so many columns and rows, and record the screens.

    Raises:
        DemoError: It was not over in time.
    """
    leader, process = _start(command, environment, size)
    screens = list(_read_screens(leader, pyte.Screen(*size), seconds))
    os.close(leader)
    if process.poll() is None and process.wait(5) is None:
        raise DemoError(f"{' '.join(command)} was not over in {seconds:.0f} s")
    return make_frames(screens)


def _start(
    command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
) -> tuple[int, "subprocess.Popen[bytes]"]:
    """Start a command; return the descriptor of its terminal, and the process."""
    columns, rows = size
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": str(columns)},
    )
    os.close(follower)
    return leader, process


def _read_screens(
    leader: int, screen: pyte.Screen, seconds: float
) -> Iterator[tuple[float, Screen]]:
    """Yield the screen after each output of a terminal, with the seconds since the start."""
    stream = pyte.ByteStream(screen)
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds:
        if not select.select([leader], [], [], 0.1)[0]:
            continue
        try:
            stream.feed(os.read(leader, 65536))
        except OSError:  # the command is over
            break
        yield elapsed, _cells(screen)


def make_frames(screens: Sequence[tuple[float, Screen]]) -> list[Frame]:
    """Make frames of the screens and their times: no screen twice in a row, no short frame."""
    frames: list[Frame] = []
    ends = [start for start, _ in screens[1:]] + [screens[-1][0] + LAST_SECONDS]
    seconds = 0.0
    for (start, screen), end in zip(screens, ends, strict=True):
        seconds += end - start
        if seconds < MIN_SECONDS:
            continue
        if frames and frames[-1].screen == screen:
            frames[-1] = Frame(screen, frames[-1].seconds + seconds)
        else:
            frames.append(Frame(screen, seconds))
        seconds = 0.0
    return frames


def _cells(screen: pyte.Screen) -> Screen:
    return tuple(
        tuple(
            (cell.data or " ", cell.fg, cell.bold)
            for cell in (screen.buffer[row][column] for column in range(screen.columns))
        )
        for row in range(screen.lines)
    )


def draw_svg(frames: Sequence[Frame], title: str) -> str:
    """Draw the frames one after the other, again and again.

    Source: https://www.w3.org/TR/css-animations-1/
    """
    rows = max(_height(frame.screen) for frame in frames)
    columns = len(frames[0].screen[0])
    width, height = columns * CELL + 24, rows * LINE + 24
    total = sum(frame.seconds for frame in frames)
    rules, groups, start = [], [], 0.0
    for number, frame in enumerate(frames):
        rules.append(_animation(number, start, frame.seconds, total))
        groups.append(f'<g id="f{number}">{"".join(_lines(frame.screen))}</g>')
        start += frame.seconds
    style = (
        "text{font:14px ui-monospace,Menlo,Consolas,monospace;white-space:pre}.b{font-weight:700}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{style}{''.join(rules)}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>{"".join(groups)}</svg>\n'
    )


def _animation(number: int, start: float, seconds: float, total: float) -> str:
    """The rules that show a frame from its start on, for its seconds of the total."""
    first, last = 100 * start / total, 100 * (start + seconds) / total
    return (
        f"@keyframes f{number}{{0%,{first:.3f}%{{visibility:hidden}}"
        f"{first + 0.001:.3f}%,{last:.3f}%{{visibility:visible}}"
        f"{min(100, last + 0.001):.3f}%,100%{{visibility:hidden}}}}"
        f"#f{number}{{animation:f{number} {total:.2f}s infinite}}"
    )


def _height(screen: Screen) -> int:
    used = [n for n, line in enumerate(screen, 1) if any(cell[0] != " " for cell in line)]
    return max(used, default=1)


def _lines(screen: Screen) -> Iterator[str]:
    for number, line in enumerate(screen):
        column = 0
        for (colour, is_bold), cells in groupby(line, key=lambda cell: (cell[1], cell[2])):
            text = "".join(cell[0] for cell in cells)
            if text.strip():
                indent = len(text) - len(text.lstrip())
                yield _text(text.strip(), column + indent, number, _style(colour, is_bold=is_bold))
            column += len(text)


def _text(text: str, column: int, line: int, style: str) -> str:
    position = f'x="{12 + column * CELL:.1f}" y="{26 + line * LINE}"'
    width = f'textLength="{len(text) * CELL:.1f}"'
    return f"<text {position} {width} {style}>{escape(text)}</text>"


def _style(colour: str, *, is_bold: bool) -> str:
    fill = COLOURS.get(colour, f"#{colour}" if len(colour) == 6 else COLOURS["default"])
    return f'fill="{fill}"' + (' class="b"' if is_bold else "")
