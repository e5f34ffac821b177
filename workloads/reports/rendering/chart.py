"""The picture of a report as PNG: bars, or a timeline."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from workloads.reports.rendering.picture import Picture, value_labels

WIDTH_INCHES = 9.0
BAR_INCHES = 0.32
FRAME_INCHES = 1.7  # title, axis and margins
MARGIN_INCHES = 0.12
DOTS_PER_INCH = 120
MIN_BARS = 8  # a timeline is as high as so many bars
MAX_NAMED_MOMENTS = 9
_INK, _SOFT_INK, _GRID, _BAR = "#1f2933", "#616e7c", "#e4e7eb", "#2f6fb0"


def draw_png(picture: Picture) -> bytes:
    """Draw a PNG."""
    bars = MIN_BARS if picture.is_timeline else len(picture.bars)
    height = FRAME_INCHES + BAR_INCHES * max(3, bars)
    layout = ConstrainedLayoutEngine(w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, layout=layout)
    axes = figure.add_subplot()
    _add_titles(figure, axes, picture)
    if picture.is_timeline:
        _draw_moments(axes, picture.bars)
    else:
        _draw_bars(axes, picture.bars)
    _remove_frame(axes)
    if not picture.bars:
        _note_empty(axes)
    return _encode_png(figure)


def _add_titles(figure: Figure, axes: Axes, picture: Picture) -> None:
    font = {"fontsize": 14, "fontweight": "bold", "color": _INK}
    figure.suptitle(picture.title, x=0.02, ha="left", parse_math=False, **font)
    axes.set_title(picture.subtitle, loc="left", fontsize=9, color=_SOFT_INK, parse_math=False)
    x_label, y_label = picture.values, picture.keys
    if picture.is_timeline:
        x_label, y_label = y_label, x_label
    axes.set_xlabel(x_label, color=_SOFT_INK, parse_math=False)
    axes.set_ylabel(y_label, color=_SOFT_INK, parse_math=False)


def _note_empty(axes: Axes) -> None:
    axes.set_xticks([])
    axes.text(0.5, 0.5, "no values to show", transform=axes.transAxes, ha="center", color=_SOFT_INK)


def _draw_bars(axes: Axes, bars: list[tuple[str, float]]) -> None:
    labels, values = [label for label, _ in bars], [value for _, value in bars]
    positions = range(len(bars))
    artists = axes.barh(positions, values, color=_BAR, height=0.72, zorder=2)
    axes.bar_label(artists, value_labels(values), padding=4, fontsize=9, color=_INK)
    axes.set_yticks(positions, labels, color=_INK, parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.axvline(0, color=_SOFT_INK, linewidth=0.8, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.grid(axis="x", color=_GRID, zorder=0)


def _draw_moments(axes: Axes, bars: list[tuple[str, float]]) -> None:
    axes.bar(range(len(bars)), [value for _, value in bars], color=_BAR, width=0.8, zorder=2)
    ticks = range(0, len(bars), max(1, -(-len(bars) // MAX_NAMED_MOMENTS)))
    axes.set_xticks(ticks, [bars[tick][0] for tick in ticks], color=_INK, parse_math=False)
    axes.margins(x=0.01, y=0.1)
    axes.axhline(0, color=_SOFT_INK, linewidth=0.8, zorder=3)
    axes.grid(axis="y", color=_GRID, zorder=0)


def _remove_frame(axes: Axes) -> None:
    axes.tick_params(length=0, labelcolor=_INK)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)


def _encode_png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with _without_glyph_warnings():
        # No version and no date: the same report is the same picture.
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


@contextmanager
def _without_glyph_warnings() -> Iterator[None]:
    """A machine may lack fonts for some scripts: their letters become boxes, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield
