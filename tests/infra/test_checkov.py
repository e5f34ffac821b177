"""checkov finds nothing but what is justified where it is."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.support.infra_files import BICEP, INFRA, ROOT

CHECKOV = ROOT / ".venv" / "infra" / "bin" / "checkov"
SKIP = re.compile(r"// checkov:skip=(CKV_AZURE_\d+): (\S.{30,}\.)$")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    assert CHECKOV.exists(), "`make test` installs it; or `make .venv/infra/.setup`"
    done = subprocess.run(
        [CHECKOV, "-d", INFRA, "--framework", "bicep", "--skip-download", "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_checkov_reads_every_file_and_checks_a_good_deal(report: dict[str, Any]):
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 20
    files = {check["file_path"].rpartition("/")[2] for check in report["results"]["passed_checks"]}
    assert files == {"storage.bicep", "key-vault.bicep", "function-app.bicep", "network.bicep"}


def test_checkov_finds_nothing_that_is_not_justified(report: dict[str, Any]):
    findings = [
        f"{check['file_path']}: {check['check_id']} {check['check_name']}"
        for check in report["results"]["failed_checks"]
    ]
    assert findings == []


def test_every_justification_is_of_a_finding_and_gives_a_reason(report: dict[str, Any]):
    written = set()
    for path in BICEP:
        for line in path.read_text().splitlines():
            if "checkov:skip" in line:
                found = SKIP.search(line)
                assert found, line
                written.add((path.name, found[1]))
    skipped = {
        (check["file_path"].rpartition("/")[2], check["check_id"])
        for check in report["results"]["skipped_checks"]
    }
    assert skipped == written
