"""The product as it stands, with workloads whose effects can be counted."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import tests.support.workloads.chaotic_orders
import tests.support.workloads.ledger_workload
import tests.support.workloads.probe_workloads  # noqa: F401 - they register them
from tests.support.hosts import product_app

app = product_app.load()
