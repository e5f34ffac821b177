"""The circuits of downstreams: one that cannot be read hides no other."""

from types import SimpleNamespace

import pytest

from fanout.adapters.rows.rows import Rows
from fanout.adapters.tables import Write
from fanout.downstream.rate_limiter import RateState
from fanout.models.answers import Circuit
from fanout.naming import row_keys
from starters import circuits


@pytest.mark.parametrize("row", [row_keys.BREAKER_ROW, row_keys.RATE_ROW])
def test_one_that_cannot_be_read_says_so(rows: Rows, monkeypatch: pytest.MonkeyPatch, row: str):
    workloads = [SimpleNamespace(downstream=name) for name in ("bank", "post", None)]
    monkeypatch.setattr(circuits.registry, "all", lambda: workloads)
    rows.create(row_keys.downstream_partition("post"), row_keys.RATE_ROW, RateState(per_second=3))
    broken = Write(row, {"json0": "{"}, mode="put")
    rows.submit(row_keys.downstream_partition("bank"), [broken])
    found = {name: Circuit(**told) for name, told in circuits.record_circuits(rows).items()}
    assert found["bank"].state == "unreadable"
    assert (found["post"].state, found["post"].items_per_second) == ("closed", 3)
