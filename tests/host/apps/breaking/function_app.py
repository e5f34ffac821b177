"""The product in a version that may not meet the histories of the one before."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from tests.support.hosts import product_app
from tests.support.releases import breaking_version, released_work

released_work.register(version=2)
app = product_app.load()
breaking_version.change_product()
app.register_functions(breaking_version.bp)
