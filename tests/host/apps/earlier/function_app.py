"""The product as it stands, with work that an app of a later version takes over."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from tests.support.hosts import product_app
from tests.support.releases import released_work

released_work.register(version=1)
app = product_app.load()
