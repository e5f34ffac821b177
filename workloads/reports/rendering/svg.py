"""The picture of a report as SVG, inside a page whose style sheet colours it.

It has no scripts, fonts or addresses. A tooltip shows the value of each bar.
"""

from workloads.reports.rendering.html_text import escape
from workloads.reports.rendering.picture import Picture, value_labels

WIDTH = 860
LABEL_WIDTH, VALUE_WIDTH = 220, 90
ROW_HEIGHT, BAR_HEIGHT = 24, 16
PLOT_HEIGHT, AXIS_HEIGHT = 220, 36
MAX_NAMED_MOMENTS = 9


def draw_svg(picture: Picture) -> str:
    """Draw an ``<svg>`` element."""
    if not picture.bars:
        return '<p class="soft">no values to show</p>'
    height, marks = (_draw_moments if picture.is_timeline else _draw_bars)(picture)
    name = escape(f"{picture.title}: {picture.values} by {picture.keys or 'all rows'}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">\n'
        + "\n".join(marks)
        + "\n</svg>"
    )


def _draw_bars(picture: Picture) -> tuple[float, list[str]]:
    """A bar for each group: to the right of zero, or to its left where a value is negative."""
    values = [value for _, value in picture.bars]
    start = LABEL_WIDTH if min(values) >= 0 else LABEL_WIDTH + VALUE_WIDTH
    scale = _Scale(values, start, WIDTH - VALUE_WIDTH)
    labels = value_labels(values)
    marks = [
        _draw_bar(row * ROW_HEIGHT, bar, label, scale)
        for row, (bar, label) in enumerate(zip(picture.bars, labels, strict=True))
    ]
    height = len(picture.bars) * ROW_HEIGHT
    return height, [*marks, _line(scale(0.0), 0, scale(0.0), height)]


def _draw_bar(top: float, bar: tuple[str, float], value_label: str, scale: "_Scale") -> str:
    label, value = bar
    middle = top + ROW_HEIGHT / 2
    left, right = sorted((scale(0.0), scale(value)))
    is_positive = value >= 0
    return (
        f"<g>{_title(label, value)}"
        + _text(LABEL_WIDTH - 10, middle, label, "end")
        + _rectangle(left, top + (ROW_HEIGHT - BAR_HEIGHT) / 2, right - left, BAR_HEIGHT)
        + _text(
            right + 6 if is_positive else left - 6,
            middle,
            value_label,
            "start" if is_positive else "end",
        )
        + "</g>"
    )


def _draw_moments(picture: Picture) -> tuple[float, list[str]]:
    """A column for each moment, from left to right."""
    values = [value for _, value in picture.bars]
    scale = _Scale(values, PLOT_HEIGHT, ROW_HEIGHT)
    step = (WIDTH - VALUE_WIDTH) / len(values)
    every = -(-len(values) // MAX_NAMED_MOMENTS)
    marks = []
    for number, (label, value) in enumerate(picture.bars):
        left = VALUE_WIDTH + number * step
        top, bottom = sorted((scale(0.0), scale(value)))
        bar = _rectangle(left + step * 0.1, top, step * 0.8, bottom - top)
        marks.append(f"<g>{_title(label, value)}{bar}</g>")
        if number % every == 0:
            marks.append(_text(left, PLOT_HEIGHT + AXIS_HEIGHT / 2, label))
    ticks = list(dict.fromkeys((max(0.0, max(values)), min(0.0, min(values)), 0.0)))
    for value, label in zip(ticks, value_labels(ticks), strict=True):
        marks.append(_text(VALUE_WIDTH - 10, scale(value), label, "end"))
    marks.append(_line(VALUE_WIDTH, scale(0.0), WIDTH, scale(0.0)))
    return PLOT_HEIGHT + AXIS_HEIGHT, marks


class _Scale:
    """Maps values, zero among them, to positions between two ends."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self._low, high = min(0.0, min(values)), max(0.0, max(values))
        self._span = high - self._low or 1.0
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) / self._span * (self._end - self._start)


def _title(label: str, value: float) -> str:
    return f"<title>{escape(label)}: {value:,.6g}</title>"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    position = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {position} dominant-baseline="middle">{escape(text)}</text>'


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}"/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
