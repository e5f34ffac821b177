"""The picture of a report as PNG: bars, or a timeline, drawn without any display."""

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
MIN_BARS = 8  # as high is a timeline
MAX_NAMED_MOMENTS = 9
_INK, _SOFT_INK, _GRID, _BAR = "#1f2933", "#616e7c", "#e4e7eb", "#2f6fb0"


def draw(picture: Picture) -> bytes:
    """Draw a PNG."""
    bars = MIN_BARS if picture.is_timeline else len(picture.bars)
    height = FRAME_INCHES + BAR_INCHES * max(3, bars)
    layout = ConstrainedLayoutEngine(w_pad=MARGIN_INCHES, h_pad=MARGIN_INCHES)
    figure = Figure(figsize=(WIDTH_INCHES, height), dpi=DOTS_PER_INCH, layout=layout)
    axes = figure.add_subplot()
    figure.suptitle(
        picture.title, x=0.02, ha="left", fontsize=14, fontweight="bold", color=_INK,
        parse_math=False,
    )  # fmt: skip
    axes.set_title(picture.subtitle, loc="left", fontsize=9, color=_SOFT_INK, parse_math=False)
    if picture.is_timeline:
        _draw_moments(axes, picture.bars)
    else:
        _draw_bars(axes, picture.bars)
    across, upwards = picture.values, picture.keys
    if picture.is_timeline:
        across, upwards = upwards, across
    axes.set_xlabel(across, color=_SOFT_INK, parse_math=False)
    axes.set_ylabel(upwards, color=_SOFT_INK, parse_math=False)
    _tidy(axes)
    if not picture.bars:
        axes.set_xticks([])
        axes.text(
            0.5, 0.5, "no values to show", transform=axes.transAxes, ha="center", color=_SOFT_INK
        )
    return _png(figure)


def _draw_bars(axes: Axes, drawn: list[tuple[str, float]]) -> None:
    places = range(len(drawn))
    bars = axes.barh(places, [value for _, value in drawn], color=_BAR, height=0.72, zorder=2)
    texts = value_labels([value for _, value in drawn])
    axes.bar_label(bars, texts, padding=4, fontsize=9, color=_INK)
    axes.set_yticks(places, [label for label, _ in drawn], color=_INK, parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.axvline(0, color=_SOFT_INK, linewidth=0.8, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.grid(axis="x", color=_GRID, zorder=0)


def _draw_moments(axes: Axes, drawn: list[tuple[str, float]]) -> None:
    axes.bar(range(len(drawn)), [value for _, value in drawn], color=_BAR, width=0.8, zorder=2)
    named = range(0, len(drawn), max(1, -(-len(drawn) // MAX_NAMED_MOMENTS)))
    axes.set_xticks(named, [drawn[place][0] for place in named], color=_INK, parse_math=False)
    axes.margins(x=0.01, y=0.1)
    axes.axhline(0, color=_SOFT_INK, linewidth=0.8, zorder=3)
    axes.grid(axis="y", color=_GRID, zorder=0)


def _tidy(axes: Axes) -> None:
    axes.tick_params(length=0, labelcolor=_INK)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with _without_glyph_warnings():
        # No version and no date: the same report is the same picture.
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


@contextmanager
def _without_glyph_warnings() -> Iterator[None]:
    """Accept that a machine has no font for every script: such letters become boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield
