"""Large blobs are planned by a scan of each range, and batches fit themselves to their items."""

import pytest

from tests.support.hosts.product import Product
from tests.support.hosts.running_product import SCAN_RANGE_BYTES

COUNT = 20_000


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("batch", [None, {"max_items": 300}])
def test_a_blob_of_many_ranges_is_planned_in_parallel_and_every_item_runs_once(
    product: Product, kind: str, batch: dict[str, int] | None
):
    if kind == "jsonl":
        data = b"".join(b'{"id":"%s\\n","good":1}\n' % (b"%08d" % n * 4) for n in range(COUNT))
    else:
        rows = (b'"%s\nquoted"\n' % (b"%08d" % n * 4) for n in range(COUNT))
        data = b"id\n" + b"".join(rows)
    assert len(data) > 3 * SCAN_RANGE_BYTES
    request = {"workload": "probe", "source": product.source(data, kind), "batch": batch}
    status = product.run(request)
    assert (status["outcome"], status["items"]["succeeded"]) == ("succeeded", COUNT)
    scans = [name for name in product.blobs_of(status["run_id"]) if "/plan/scan-" in name]
    assert len(scans) == -(-len(data) // SCAN_RANGE_BYTES)
    assert [o.index for o in product.outcomes(status["run_id"])] == list(range(COUNT))


def test_batches_without_a_size_grow_with_what_the_items_take(product: Product):
    lines = b"".join(b'{"id":%d}\n' % n for n in range(10_000))
    run_id = product.run({"workload": "probe", "source": product.source(lines, "jsonl")})["run_id"]
    parts = [name for name in product.blobs_of(run_id) if "/parts/" in name]
    assert len(parts) < 300
    assert any("n0" in name.rsplit("-", 1)[1] for name in parts), "some batch takes many cuts"
