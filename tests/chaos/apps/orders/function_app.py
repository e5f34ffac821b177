"""The product as it stands, with orders whose steps fail by the order's number."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import tests.support.workloads.chaotic_orders  # noqa: F401 - it registers them
from tests.support.hosts import product_app

app = product_app.load()
