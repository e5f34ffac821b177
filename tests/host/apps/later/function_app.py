"""The product one version later, with all that may change under runs that go on."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from tests.support.hosts import product_app
from tests.support.releases import later_version, released_work

later_version.change_product()
released_work.register(version=2)
app = product_app.load()
app.register_functions(later_version.bp)
