"""The product before a roll-out."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import tests.support.workloads.probe_workloads  # noqa: F401 - it registers them
from tests.support.hosts import product_app

app = product_app.load()
