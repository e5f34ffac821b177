"""The product as it stands, with the workload whose effects can be counted."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import tests.support.workloads.ledger_workload  # noqa: F401 - it registers it
from tests.support.hosts import product_app

app = product_app.load()
