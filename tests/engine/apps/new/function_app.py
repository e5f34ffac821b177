"""The product after a roll-out, which brought workloads that the old one does not know."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import tests.support.workloads.errand_workloads
import tests.support.workloads.probe_workloads  # noqa: F401 - they register them
from tests.support.hosts import product_app

app = product_app.load()
