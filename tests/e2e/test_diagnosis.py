"""An installation that looks at itself: what is well is said to be, and nothing is left of it."""

import json
import re
from datetime import UTC, datetime, timedelta

from fanout.adapters.rows.rows import table_name
from fanout.adapters.settings import StorageSettings
from fanout.adapters.tables import TableStore
from fanout.naming.blob_paths import DIAGNOSIS_FOLDER
from fanout.naming.row_keys import DIAGNOSIS_PARTITION
from tests.support.hosts.product import Product

SECRET = re.compile(r"AccountKey|SharedAccess|sig=|://|[A-Za-z0-9+/]{40}")
DEPENDENCIES = {
    "hub.name",
    "hub.storage",
    "hub.durable",
    "storage.blobs",
    "storage.tables",
    "service-bus",
    "clock",
    "versions.python",
    "versions.bundle",
    "versions.azure-functions",
    "versions.azure-functions-durable",
}


def test_an_app_that_works_finds_all_that_it_needs_without_telling_secrets(product: Product):
    answer = product.host.get("/api/diagnosis")
    assert answer.status == 200, answer.body
    told = answer.json
    assert SECRET.search(json.dumps(told)) is None
    assert {one["check"] for one in told["findings"]} >= DEPENDENCIES
    assert [one for one in told["findings"] if one["level"] == "error"] == []
    # As many as local.settings.json.example has, on every host that these tests run on.
    assert "limits.threads" not in {one["check"] for one in told["findings"]}
    assert told["status"] in ("ok", "warning")
    assert all((one["level"] == "ok") == (one["remedy"] == "") for one in told["findings"])
    now = datetime.fromisoformat(told["now"])
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=5)


def test_nothing_is_left_of_a_diagnosis(product: Product, storage: str):
    before = product.host.get("/api/runs").json["runs"]
    assert product.host.get("/api/diagnosis").status == 200
    runs = product.blobs.get_container_client(product.runs)
    assert list(runs.list_blob_names(name_starts_with=DIAGNOSIS_FOLDER)) == []
    tables = TableStore.connect(StorageSettings(connection_string=storage))
    assert tables.read_all(table_name(product.runs), DIAGNOSIS_PARTITION) == {}
    known = {run["run_id"] for run in before}
    after = {run["run_id"] for run in product.host.get("/api/runs").json["runs"]}
    assert not [run_id for run_id in after - known if run_id.startswith("~")]
