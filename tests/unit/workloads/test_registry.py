import subprocess
import sys

import pytest

from fanout.workload import MapWorkload
from workloads import registry
from workloads.reports import Reports

IMPORT_SECONDS = 0.05
MEASURED = """
import sys, time
from pydantic import BaseModel, Field

class Loaded(BaseModel):  # pydantic imports most of itself when it makes the first model
    field: int = Field(ge=0)

begun = time.process_time()
import workloads.registry
print(time.process_time() - begun, *({"polars", "numpy", "matplotlib"} & set(sys.modules)))
"""


def test_reports_is_found_by_its_name():
    assert isinstance(registry.get("reports"), Reports)


def test_all_lists_workloads_by_name():
    names = [workload.name for workload in registry.all()]
    assert names == sorted(names)
    assert "reports" in names


def test_an_unknown_name_is_refused_and_told_the_known_ones():
    with pytest.raises(LookupError, match=r"no workload 'report'; there are: .*reports"):
        registry.get("report")


def test_a_name_is_registered_once():
    class Second(MapWorkload):
        name = "reports"

        def process(self, item, context):
            return None

    with pytest.raises(ValueError, match="two workloads called 'reports'"):
        registry.register(Second())
    assert isinstance(registry.get("reports"), Reports)


def test_the_registry_is_imported_in_no_time_and_without_heavy_libraries():
    runs = [
        subprocess.run(
            [sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert [heavy for _, *heavy in runs] == [[], [], []]
    assert min(float(seconds) for seconds, *_ in runs) < IMPORT_SECONDS
