"""Each threat that the model names has a control, and a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
ROW = re.compile(r"^\| ([A-Z]\w*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_threat_has_a_test_that_exists():
    rows = ROW.findall(PAGE)
    assert len(rows) >= 20
    for _, threat, control, tests in rows:
        assert control.strip(), threat
        named = NAMED.findall(tests)
        assert named, threat
        assert NAMED.sub("", tests).strip(" ,") == "", tests
        for path, test in named:
            assert f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"


def test_no_threat_is_told_twice():
    threats = [row[1] for row in ROW.findall(PAGE)]
    assert len(threats) == len({*threats})


def test_every_kind_of_threat_is_thought_of():
    assert {kind for kind, *_ in ROW.findall(PAGE)} == {"S", "T", "R", "D", "DoS", "E"}
