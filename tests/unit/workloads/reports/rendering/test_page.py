"""The page stands alone, runs nothing, and shows every text as the text it is."""

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.workloads.report_runs import chunks, inline, summary
from workloads.reports.parameters import ReportParameters
from workloads.reports.rendering.page import MAX_ROWS, render_page
from workloads.reports.rendering.report import make_reports

ATTACK = '<script>alert("x")</script><img src=x onerror=y>&\'"'
VOID = {"meta"}


class Elements(HTMLParser):
    """Collects elements and texts, and insists that each is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def made(items: list[Any], **parameters: Any) -> str:
    wanted = ReportParameters.model_validate(parameters)
    partial, failures = summary([inline(items)], wanted)
    assert failures == []
    assert partial is not None
    return render_page(make_reports(partial, wanted)).decode()


KNOWN = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "p",
    "section",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "svg",
    "g",
    "rect",
    "text",
    "line",
}


def assert_harmless(html: str) -> Elements:
    elements = Elements(html)
    assert set(elements.names) <= KNOWN
    names = {name for name, _ in elements.attributes}
    assert not any(name.startswith("on") or name in ("href", "src", "style") for name in names)
    assert "url(" not in html
    assert "@import" not in html
    assert not re.search(r"https?://", html)
    return elements


def test_texts_of_the_data_are_escaped_everywhere():
    html = made(
        [{ATTACK: ATTACK, "x": 1}],
        group_by=[ATTACK],
        metrics={ATTACK + "2": ["approx_distinct"], "x": ["sum"]},
        chart={"title": ATTACK, "unit": ATTACK[:50], "metric": "x.sum"},
    )
    elements = assert_harmless(html)
    assert "<script" not in html
    assert ATTACK in elements.texts


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=6))
def test_any_data_makes_a_sound_page(rows):
    html = made([{"k": k, "x": x} for k, x in rows], group_by=["k"], metrics={"x": ["mean"]})
    assert_harmless(html)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.dates().map(str), st.integers(-1000, 1000)), min_size=1, max_size=9))
def test_any_dates_make_a_sound_timeline(rows):
    html = made(
        [{"at": at, "x": x} for at, x in rows],
        group_by=[{"column": "at", "every": "month"}],
        metrics={"x": ["sum"]},
    )
    assert_harmless(html)
    (svg,) = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    bars = ElementTree.fromstring(svg).findall(".//rect")
    assert len(bars) == len({at[:7] for at, _ in rows})
    assert all(float(bar.attrib["height"]) >= 0 and float(bar.attrib["y"]) >= 0 for bar in bars)


def test_a_page_has_a_picture_and_a_table_for_each_report_and_follows_light_and_dark():
    html = made(
        [{"k": "a", "x": 1}, {"k": "b", "x": -2.5}],
        reports=[
            {"name": "one", "group_by": ["k"], "metrics": {"x": ["sum"]}},
            {"name": "two", "metrics": {"x": ["p90"]}},
        ],
    )
    names = Elements(html).names
    assert [names.count(name) for name in ("section", "svg", "table")] == [2, 2, 2]
    assert "prefers-color-scheme: dark" in html
    assert "90th percentile of x" in html
    assert "default-src 'none'" in html


def test_a_long_report_says_where_the_rest_is():
    html = made([{"k": number} for number in range(MAX_ROWS + 7)], group_by=["k"])
    assert Elements(html).names.count("tr") == MAX_ROWS + 1
    assert "7 more groups are in report.csv." in html


@pytest.mark.parametrize("data", [b"k,x\n", b"k,x\na,\n"])
def test_a_report_without_values_says_so(data):
    wanted = ReportParameters.model_validate({"group_by": ["k"], "metrics": {"x": ["mean"]}})
    partial, _ = summary(list(chunks(data)), wanted)
    html = render_page(make_reports(partial, wanted) if partial else []).decode()
    assert ("no values to show" in html) == (partial is not None)
    assert_harmless(html)


def test_control_characters_which_no_page_may_have_are_shown_as_pictures_of_them():
    parameters = ReportParameters.model_validate({"group_by": ["a\0"], "chart": {"title": "t\1"}})
    partial, _ = summary([inline([{"a\0": "x\0y\x1b\x7f\x85z\n"}])], parameters)
    page = render_page(make_reports(partial, parameters)).decode()
    texts = Elements(page).texts
    assert "a\u2400" in texts
    assert "t\u2401" in texts
    assert "x\u2400y\u241b\u2421\ufffdz\n" in texts
    # https://html.spec.whatwg.org/multipage/parsing.html#parse-error-control-character-in-input-stream
    assert not re.search("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f]", page)
