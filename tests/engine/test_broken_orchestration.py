"""An orchestrator that broke, as the extension logs it, is what the alert of failed runs reads."""

import re
import time

from starters.lifecycle.take_over import MAX_WITHOUT_PROGRESS
from tests.support.hosts.engine_cluster import Cluster
from tests.support.infra_files import INFRA
from tests.support.kusto.engine import run
from tests.support.kusto.rows import durable_record, is_durable_record

SOON = 60
START = "/runtime/webhooks/durabletask/orchestrators/run"
LINE = re.compile(r"^\S+ fail: (Function\.run\S*|Host\.Triggers\.DurableTask)\[\d+\] (.*)$", re.M)


def test_the_alert_finds_what_the_extension_logs(instance: Cluster):
    (one,) = instance.instances
    answer = one.host.request("POST", f"{START}?code=rig", b'{"nonsense": 1}')
    assert answer.status == 202
    ends = time.monotonic() + SOON
    found: list[str] = []
    while not found:
        assert time.monotonic() < ends, one.engine.log.read_text()[-4000:]
        time.sleep(0.2)
        texts = [text for _, text in LINE.findall(one.engine.log.read_text(errors="replace"))]
        found = [text for text in texts if answer.json["id"] in text and is_durable_record(text)]
    query = (INFRA / "queries" / "failed-runs.kql").read_text()
    rows = [durable_record(logged=text) for text in found]
    # It rings for one that breaks as often as the watchdog takes a run up that gets nowhere.
    assert run(query, {"AppTraces": rows}) == [{"Failed": 0.0}]
    again = rows * MAX_WITHOUT_PROGRESS
    assert run(query, {"AppTraces": again}) == [{"Failed": 1.0}]
