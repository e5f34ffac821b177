import subprocess
import sys

import pytest

from fanout.workload import MapWorkload
from workloads import registry
from workloads.reports import Reports

LOADED = """
import sys
import workloads.registry
print(*({"polars", "numpy", "matplotlib"} & set(sys.modules)))
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


def test_the_registry_is_imported_without_heavy_libraries():
    command = [sys.executable, "-c", LOADED]
    heavy = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert heavy.split() == []
