"""Reports end to end: Parquet in, several reports out of one pass, each as every kind of file."""

import io
import json
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from tests.support.hosts.product import Product

ROWS = 500
BEGIN = datetime(2013, 1, 30, 12)
TABLE = pl.DataFrame(
    {
        "at": [BEGIN + timedelta(hours=7 * n) for n in range(ROWS)],
        "day": [date(2013, 1, 1) + timedelta(days=n % 90) for n in range(ROWS)],
        "city": [None if n % 50 == 0 else ("Oslo", "Rome", "=Bern")[n % 3] for n in range(ROWS)],
        "plane": [f"N{n % 70}" for n in range(ROWS)],
        "delay": [None if n % 11 == 0 else (n * 37) % 200 for n in range(ROWS)],
        "fare": [n * 1.25 for n in range(ROWS)],
    }
)
PARAMETERS: dict[str, Any] = {
    "reports": [
        {
            "name": "cities",
            "group_by": ["city"],
            "metrics": {
                "delay": ["count", "sum", "p90"],
                "fare": ["mean"],
                "plane": ["approx_distinct"],
            },
        },
        {
            "name": "months",
            "group_by": [{"column": "at", "every": "month"}],
            "metrics": {"fare": ["sum"]},
            "where": [{"column": "city", "op": "not_null"}],
        },
        {"name": "days", "group_by": ["day"], "top": {"n": 3, "by": "rows"}},
    ]
}


def blob(kind: str) -> bytes:
    data = io.BytesIO()
    if kind == "parquet":
        TABLE.write_parquet(data, row_group_size=120)
    else:
        TABLE.write_csv(data)
    return data.getvalue()


def tables(product: Product, kind: str) -> dict[str, pl.DataFrame]:
    """Run the reports; give the Parquet of each."""
    source = product.source(blob(kind), kind)
    request = {"workload": "reports", "source": source, "parameters": PARAMETERS}
    status = product.run(request | {"batch": {"max_items": 64}})
    assert status["outcome"] == "succeeded", status
    run_id = status["run_id"]
    listed = {file["name"]: file for file in product.results(run_id)["files"]}
    found = {}
    for report in PARAMETERS["reports"]:
        stem = f"report-{report['name']}"
        assert {f"{stem}.{kind}" for kind in ("json", "csv", "parquet", "png")} <= set(listed)
        found[report["name"]] = pl.read_parquet(
            io.BytesIO(product.file(run_id, f"{stem}.parquet").body)
        )
    page = product.file(run_id, "report.html")
    assert listed["report.html"]["media_type"] == "text/html; charset=utf-8"
    assert page.body.decode().count("<svg") == len(PARAMETERS["reports"])
    assert "'=Bern" in product.file(run_id, "report-cities.csv").body.decode()
    return found


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_one_pass_makes_every_report_from_parquet_as_from_csv(product: Product, kind: str):
    found = tables(product, kind)
    delay = pl.col("delay")
    cities = TABLE.group_by("city").agg(
        pl.len().cast(pl.Int64).alias("rows"),
        delay.count().cast(pl.Int64).alias("count"),
        delay.sum().alias("sum"),
        delay.sort().drop_nulls().get((delay.count() * 9 + 9) // 10 - 1).alias("p90"),
        pl.col("fare").mean().alias("mean"),
        pl.col("plane").n_unique().cast(pl.Int64).alias("planes"),
    )
    *exact, planes = (found["cities"][name] for name in found["cities"].columns)
    assert sorted(zip(*exact, strict=True), key=str) == sorted(
        cities.drop("planes").rows(), key=str
    )
    for city, about in zip(exact[0], planes, strict=True):
        (true,) = cities.filter(pl.col("city").eq_missing(city))["planes"]
        assert about == pytest.approx(true, rel=0.08)
    months = (
        TABLE.filter(pl.col("city").is_not_null())
        .group_by(pl.col("at").dt.strftime("%Y-%m"))
        .agg(pl.len().cast(pl.Int64), pl.col("fare").sum())
    )
    assert found["months"].rows() == sorted(months.rows())
    # Of days with as many rows the first are kept.
    assert found["days"].rows() == [("2013-01-01", 6), ("2013-01-02", 6), ("2013-01-03", 6)]


def test_a_bad_report_is_refused_by_its_field(product: Product):
    asked = {"reports": [{"name": "a", "group_by": [{"column": "day", "every": "moon"}]}]}
    source = product.source(blob("csv"))
    refused = product.post({"workload": "reports", "source": source, "parameters": asked})
    assert refused.status == 400
    assert [error["field"] for error in refused.json["errors"]] == [
        "parameters.reports[0].group_by[0].date.every"
    ]
    asked = {"reports": [{"name": "a", "group_by": ["nowhere"]}]}
    refused = product.post({"workload": "reports", "source": source, "parameters": asked})
    assert refused.status == 400
    (error,) = refused.json["errors"]
    assert error["field"] == "parameters.reports[0].group_by[0]"


@pytest.mark.parametrize("kind", ["inline", "jsonl"])
def test_a_mistyped_column_gives_no_report(product: Product, kind: str):
    rows = [{"carrier": "UA", "delay": 1}, {"carrier": "AA"}]
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    source = {"kind": kind, "items": rows} if kind == "inline" else product.source(lines, kind)
    request = {
        "workload": "reports",
        "source": source,
        "parameters": {"group_by": ["carier"]},
        "tolerance": {"percentage": 100},
    }
    answer = product.post(request)
    if kind == "inline":
        assert answer.status == 400
        (error,) = answer.json["errors"]
        field, message = error["field"], error["message"]
    else:
        status = product.done(answer.json["run_id"])
        assert status["outcome"] == "failed"
        files = product.results(status["run_id"])["files"]
        assert not [file for file in files if file["name"].startswith("report")]
        field, _, message = status["error"].partition(": ")
    assert field == "parameters.group_by[0]"
    assert message.endswith("did you mean 'carrier'?")
