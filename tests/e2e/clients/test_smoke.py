"""What the hook after a deployment asks of the app, asked of the running app."""

from infra.scripts.smoke import Api, run_through, wait_for_health
from tests.support.hosts.product import Product


def test_the_smoke_run_ends_well_and_leaves_nothing(product: Product):
    wait_for_health(product.host.origin)
    told = run_through(Api(product.host.origin, product.host.credentials))
    assert told.startswith("three rows in ") and told.endswith(" s")
    listed = product.host.get("/api/runs?text=smoke-").json["runs"]
    assert [run for run in listed if run["run_id"].startswith("smoke-")] == []
