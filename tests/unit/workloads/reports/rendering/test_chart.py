import io
from typing import Any

import pytest
from PIL import Image

from tests.support.workloads.report_runs import chunks, made, summary
from workloads.reports.parameters import ReportParameters
from workloads.reports.rendering.chart import draw_png
from workloads.reports.rendering.picture import Picture, default_metric, value_labels


def picture(data: bytes = b"", **parameters: Any) -> Image.Image:
    wanted = ReportParameters.model_validate(parameters)
    partial, failures = summary(list(chunks(data)), wanted) if data else (None, [])
    assert failures == []
    image = Image.open(io.BytesIO(draw_png(Picture.from_report(made(partial, wanted)))))
    image.load()
    assert image.format == "PNG"
    return image


def groups(count: int) -> bytes:
    return b"key,x\n" + b"".join(b"group %d,%d\n" % (i, i) for i in range(count))


def test_the_picture_grows_with_its_bars_up_to_the_top():
    few, many, more = (
        picture(groups(count), group_by=["key"], metrics={"x": ["mean"]}) for count in (4, 20, 40)
    )
    assert few.width == many.width == more.width
    assert few.height < many.height == more.height


def test_top_says_how_many_bars_there_are():
    five = picture(groups(40), group_by=["key"], metrics={"x": ["mean"]}, chart={"top": 5})
    all_five = picture(groups(5), group_by=["key"], metrics={"x": ["mean"]})
    assert five.height == all_five.height


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"key,x\na,\n",
        b"key,x\na,-3\nb,2.5\n",
        b"key,x\na,1.7e308\nb,-1.7e308\nc,5e-324\n",
        b"key,x\na,1e200\n",
        b"key,x\na,0\n",
        b"key,x\n" + b"long " * 50 + b",1\n",
        b"key,x\n$a_b^c$,1\n,2\n",
        "key,x\n\u65e5\u672c,1\n\u0645\u0631,2\n\N{GRINNING FACE},3\n".encode(),
        b'key,x\n"two\nlines\ttab",1\n',
        b"key,x\n\x00\x07,1\n",
    ],
)
def test_any_report_can_be_drawn(data):
    assert picture(data, group_by=["key"], metrics={"x": ["mean"]}).width > 500


def test_any_title_can_be_drawn():
    chart = {"title": "$x_ 100% \\frac", "unit": "$", "metric": "rows"}
    assert picture(groups(3), group_by=["key"], chart=chart).width > 500


@pytest.mark.parametrize(
    ("metrics", "default"),
    [
        ({}, "rows"),
        ({"a.b": ["max", "mean"], "c": ["mean"]}, "a.b.mean"),
        ({"x": ["sum", "max"]}, "x.sum"),
    ],
)
def test_the_mean_of_the_first_column_is_shown_or_its_first_metric(metrics, default):
    assert default_metric(ReportParameters(metrics=metrics)) == default


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([], []),
        ([20.216, 3.782], ["20.2", "3.8"]),
        ([0.0216, 0.001], ["0.0216", "0.0010"]),
        ([12345.6, 2.0], ["12,346", "2"]),
        ([3.0, -1200.0], ["3", "-1,200"]),
        ([1.5e20, 2.0], ["1.5e+20", "2"]),
        ([1e-9, 0.0], ["1e-09", "0"]),
    ],
)
def test_values_are_labelled_with_three_digits_of_the_largest(values, labels):
    assert value_labels(values) == labels
