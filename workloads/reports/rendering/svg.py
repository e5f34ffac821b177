"""The picture of a report as SVG, to stand inside a page whose style sheet colours it.

It has no scripts, fonts or addresses; whoever hovers over a bar is told its value.
"""

from html import escape

from workloads.reports.rendering.picture import Picture, value_labels

WIDTH = 860
LABEL_WIDTH, VALUE_WIDTH = 220, 90
ROW_HEIGHT, BAR_HEIGHT = 24, 16
PLOT_HEIGHT, AXIS_HEIGHT = 220, 36
MAX_NAMED_MOMENTS = 9


def draw(picture: Picture) -> str:
    """Draw an ``<svg>`` element."""
    if not picture.bars:
        return '<p class="soft">no values to show</p>'
    height, marks = (_moments if picture.is_timeline else _bars)(picture)
    name = escape(f"{picture.title}: {picture.values} by {picture.keys or 'all rows'}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">\n'
        + "\n".join(marks)
        + "\n</svg>"
    )


def _bars(picture: Picture) -> tuple[float, list[str]]:
    """A bar to the right for each group; those below zero go to the left of it."""
    values = [value for _, value in picture.bars]
    place = _Scale(values, LABEL_WIDTH + VALUE_WIDTH, WIDTH - VALUE_WIDTH)
    if min(values) >= 0:
        place = _Scale(values, LABEL_WIDTH, WIDTH - VALUE_WIDTH)
    marks = []
    for row, ((label, value), text) in enumerate(
        zip(picture.bars, value_labels(values), strict=True)
    ):
        top, middle = row * ROW_HEIGHT, row * ROW_HEIGHT + ROW_HEIGHT / 2
        left, right = sorted((place(0.0), place(value)))
        marks.append(
            f"<g>{_title(label, value)}"
            + _text(LABEL_WIDTH - 10, middle, label, "end")
            + _rectangle(left, top + (ROW_HEIGHT - BAR_HEIGHT) / 2, right - left, BAR_HEIGHT)
            + (
                _text(right + 6, middle, text)
                if value >= 0
                else _text(left - 6, middle, text, "end")
            )
            + "</g>"
        )
    height = len(picture.bars) * ROW_HEIGHT
    return height, [*marks, _line(place(0.0), 0, place(0.0), height)]


def _moments(picture: Picture) -> tuple[float, list[str]]:
    """A column for each moment, from left to right."""
    values = [value for _, value in picture.bars]
    place = _Scale(values, PLOT_HEIGHT, ROW_HEIGHT)
    step = (WIDTH - VALUE_WIDTH) / len(values)
    every = -(-len(values) // MAX_NAMED_MOMENTS)
    marks = []
    for number, (label, value) in enumerate(picture.bars):
        left = VALUE_WIDTH + number * step
        top, bottom = sorted((place(0.0), place(value)))
        bar = _rectangle(left + step * 0.1, top, step * 0.8, bottom - top)
        marks.append(f"<g>{_title(label, value)}{bar}</g>")
        if number % every == 0:
            marks.append(_text(left, PLOT_HEIGHT + AXIS_HEIGHT / 2, label))
    ends = dict.fromkeys((max(0.0, max(values)), min(0.0, min(values)), 0.0))
    for value, text in zip(ends, value_labels(list(ends)), strict=True):
        marks.append(_text(VALUE_WIDTH - 10, place(value), text, "end"))
    marks.append(_line(VALUE_WIDTH, place(0.0), WIDTH, place(0.0)))
    return PLOT_HEIGHT + AXIS_HEIGHT, marks


class _Scale:
    """Where a value stands between two ends, zero among the values."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self._low, high = min(0.0, min(values)), max(0.0, max(values))
        self._span = high - self._low or 1.0
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) / self._span * (self._end - self._start)


def _title(label: str, value: float) -> str:
    return f"<title>{escape(label)}: {value:,.6g}</title>"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} dominant-baseline="middle">{escape(text)}</text>'


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}"/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
