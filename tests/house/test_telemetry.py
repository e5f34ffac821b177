"""Metrics have the same names, units and labels in the code, on the page, and in the template."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from fanout.adapters.telemetry import metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "telemetry.md").read_text()
ROW = re.compile(r"^\| `(fanout\.[\w.]+)` \| (\S+) \|([^|]*)\| ([^|]+) \| ([^|]+) \|$", re.M)


def test_the_table_has_every_metric_with_its_unit_and_labels():
    found = {
        name: (unit, tuple(filter(None, re.split(r",\s*", labels.strip()))))
        for name, unit, labels, _, _ in ROW.findall(PAGE)
    }
    assert found == {one.name: (one.unit, one.labels) for one in metrics.ALL}


def test_each_says_what_to_do_when_it_rises():
    assert all(len(advice.strip()) > 20 for *_, advice in ROW.findall(PAGE))


@pytest.mark.parametrize(
    "path", ["workbook.json", "README.md", "queries/failed-runs.kql", "queries/oldest-message.kql"]
)
def test_the_template_knows_only_metrics_that_there_are(path: str):
    named = set(re.findall(r"fanout\.[a-z_]+(?:\.[a-z_]+)?", (ROOT / "infra" / path).read_text()))
    known = {one.name for one in metrics.ALL}
    assert named
    assert named <= known
    if path == "README.md":
        assert named == known


def test_the_line_on_the_page_is_as_the_schema_says():
    schema = json.loads((ROOT / "docs" / "log.schema.json").read_text())
    (line,) = re.findall(r"```json\n(.*)\n```", PAGE)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(line), schema)
