"""Reports as one page of HTML that stands alone: it contains its style and pictures.

It has no scripts, forbids the browser to run any, and escapes every text of the data.
"""

from collections.abc import Iterable, Iterator

from workloads.reports.rendering.figures import Figure
from workloads.reports.rendering.html_text import escape
from workloads.reports.rendering.order import ReportGroup
from workloads.reports.rendering.picture import Picture
from workloads.reports.rendering.report import Report
from workloads.reports.rendering.svg import draw_svg

MAX_ROWS = 1_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --line: #d9dee4;
  --paper: #ffffff; --bar: #2f6fb0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --soft: #9aa5b1; --line: #3e4c59;
  --paper: #14191f; --bar: #6aa9e9; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 0; }
.soft { color: var(--soft); margin: 0 0 1rem; }
svg { width: 100%; height: auto; font-size: 12px; }
svg text { fill: var(--ink); } svg rect { fill: var(--bar); }
svg line { stroke: var(--soft); }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; }
th { color: var(--soft); font-weight: 600; } .number { text-align: right; }
"""


def render_page(reports: Iterable[Report]) -> bytes:
    """Render a page with a picture and a table for each report."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Report</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Report</h1>",
        *(part for report in reports for part in _section(report)),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def _section(report: Report) -> Iterator[str]:
    picture = Picture.from_report(report)
    yield "<section>"
    yield f"<h2>{escape(picture.title)}</h2>"
    name = f"{report.view.label}: " if report.view.label is not None else ""
    yield f'<p class="soft">{escape(name + picture.subtitle)}. Shown: {escape(picture.values)}.</p>'
    yield from (f'<p class="soft">{escape(note)}.</p>' for note in report.notes)
    yield draw_svg(picture)
    yield "<div><table>\n<thead><tr>" + "".join(_headings(report)) + "</tr></thead>\n<tbody>"
    yield from (_row(report, group) for group in report.groups[:MAX_ROWS])
    yield "</tbody>\n</table></div>"
    if len(report.groups) > MAX_ROWS:
        rest = f"{len(report.groups) - MAX_ROWS:,} more groups are in {report.stem}.csv."
        yield f'<p class="soft">{escape(rest)}</p>'
    yield "</section>"


def _headings(report: Report) -> Iterator[str]:
    for name in report.view.key_names:
        yield f'<th scope="col">{escape(name)}</th>'
    for name in report.view.figure_names():
        yield f'<th scope="col" class="number">{escape(name)}</th>'


def _row(report: Report, group: ReportGroup) -> str:
    keys = "".join(f"<td>{'' if key is None else escape(key)}</td>" for key in group.key)
    figures = (_format_figure(group.figures[name]) for name in report.view.figure_names())
    return f"<tr>{keys}" + "".join(f'<td class="number">{text}</td>' for text in figures) + "</tr>"


def _format_figure(figure: Figure) -> str:
    """Format a figure for a person; report.csv has all of its digits."""
    if figure is None:
        return ""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:,.6g}"
