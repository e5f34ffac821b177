"""The order of the groups of a report."""

import re
from dataclasses import dataclass
from typing import Any

from workloads.reports.parameters import Sort, View
from workloads.reports.rendering.figures import Figure
from workloads.reports.statistics.partial import Key

_WHOLE = re.compile(r"[+-]?\d{1,300}", re.ASCII)


@dataclass(frozen=True)
class ReportGroup:
    """A group: its key, and its figures by name: ``rows``, ``dep_delay.mean``."""

    key: Key
    figures: dict[str, Figure]


def select_groups(groups: list[ReportGroup], view: View) -> list[ReportGroup]:
    """The groups that a report keeps, in its order."""
    selected = sorted(groups, key=lambda group: [_natural_order(text) for text in group.key])
    if view.top is not None:
        by_figure = Sort(by=view.top.by, descending=view.top.order == "desc")
        selected = _sort_groups(selected, by_figure, [])[: view.top.n]
    if view.sort is not None:
        selected = _sort_groups(selected, view.sort, view.key_names)
    return selected


def _sort_groups(groups: list[ReportGroup], sort: Sort, key_names: list[str]) -> list[ReportGroup]:
    """Sort by one key or figure, stable; groups where it is missing come last."""
    position = key_names.index(sort.by) if sort.by in key_names else None

    def sort_value(group: ReportGroup) -> str | Figure:
        return group.figures[sort.by] if position is None else group.key[position]

    def order(group: ReportGroup) -> Any:
        value = sort_value(group)
        return _natural_order(value) if isinstance(value, str) else value

    present = [group for group in groups if sort_value(group) is not None]
    missing = [group for group in groups if sort_value(group) is None]
    return sorted(present, key=order, reverse=sort.descending) + missing


def _natural_order(text: str | None) -> tuple[int, int, str]:
    """Whole numbers come first, by value, then texts, then missing values."""
    if text is None:
        return 2, 0, ""
    if _WHOLE.fullmatch(text):
        return 0, int(text), text
    return 1, 0, text
