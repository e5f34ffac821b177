"""The product as it stands, with workloads whose items say themselves how they end."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import tests.support.workloads.errand_workloads
import tests.support.workloads.hostile_workloads
import tests.support.workloads.probe_workloads
import tests.support.workloads.saga_workload  # noqa: F401 - they register them
from tests.support.hosts import product_app

app = product_app.load()
