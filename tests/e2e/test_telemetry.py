"""A run as a collector and a reader of logs see it: one trace, right counts, no secrets."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.hosts.fanout_bus import FanoutBus
from tests.support.hosts.hosts import patient
from tests.support.hosts.product import DEADLINE_SECONDS, Product
from tests.support.hosts.running_product import product_on
from tests.support.services.collector import Collector, Span, collecting

pytestmark = pytest.mark.needs_settings
ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "log.schema.json").read_text())
QUICK = {"max_attempts": 3, "base_seconds": 0.01, "max_seconds": 0.01, "jitter_seconds": 0}
ANY = {"percentage": 100}
SOON = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "100"}


@contextmanager
def observed(
    storage: str, folder: Path, collector: Collector, **settings: str
) -> Iterator[Product]:
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, **SOON, **settings}
    with product_on(storage, folder, FANOUT_RUNS_CONTAINER="observed", **named) as product:
        yield product


def until(condition: Callable[[], Any], told: Callable[[], str]) -> None:
    deadline = time.monotonic() + patient(DEADLINE_SECONDS)
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


def inline(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "inline", "items": [{"id": n} | item for n, item in enumerate(items)]}


def ended(collector: Collector, runs: int, product: Product) -> None:
    until(lambda: collector.total("fanout.runs") >= runs, lambda: product.host.log)
    until(lambda: len(collector.named("run")) >= runs, lambda: product.host.log)


def names(spans: list[Span]) -> set[str]:
    return {span.name for span in spans}


def insist_on_one_tree(spans: list[Span], attempt: int = 1) -> None:
    """Start, run, activities, items: each below the one that it belongs to."""
    assert len({span.id for span in spans}) == len(spans)
    by_id = {span.id: span for span in spans}
    (run,) = (span for span in spans if span.name == "run")
    assert by_id[run.parent].name == "start run"
    for span in spans:
        if span.name == "item":
            above = by_id[span.parent]
            assert above.name in ("process_batch", "run_sagas")
            assert above.begun <= span.begun <= span.ended <= above.ended
        elif span.name not in ("run", "start run"):
            assert span.parent == run.id
            assert span.about["fanout.attempt"] == attempt


def test_a_run_is_one_trace_and_its_counts_are_right(storage: str, tmp_path: Path):
    items = [{}] * 20 + [{"ending": "permanent"}] * 4 + [{"good": 2}] * 6
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with collecting() as collector, observed(storage, tmp_path, collector) as product:
        request = {
            "workload": "probe",
            "run_id": "seen",
            "source": inline(items),
            "retry": QUICK,
            "tolerance": ANY,
            "batch": {"max_items": 5},
        }
        assert product.post(request, traceparent=caller).status == 202
        status = product.done("seen")
        ended(collector, 1, product)
        until(lambda: len(collector.named("item")) >= 36, lambda: product.host.log)
        until(lambda: collector.named("settle"), lambda: product.host.log)

        of = {"workload": "probe"}
        assert collector.total("fanout.runs", outcome="partially_succeeded", **of) == 1
        assert collector.total("fanout.items", outcome="succeeded", **of) == 26
        assert collector.total("fanout.items", outcome="failed", **of) == 4
        assert collector.total("fanout.items") == 30
        assert collector.total("fanout.retries", **of) == status["retries"] == 6
        assert collector.total("fanout.dead_letters", **of) == 4
        count, seconds = collector.histogram("fanout.run.duration", **of)
        assert (count, seconds) == (1, pytest.approx(status["duration_seconds"], abs=0.01))
        assert collector.histogram("fanout.item.duration", **of)[0] == 36
        until(lambda: collector.total("fanout.batches.in_flight") == 0, lambda: product.host.log)

        spans = list(collector.spans)
        assert {span.trace for span in spans} == {caller[3:35]}
        insist_on_one_tree(spans)
        assert {"begin", "process_batch", "settle"} <= names(spans)
        (start,) = collector.named("start run")
        assert start.parent == caller[36:52]
        assert sum(span.is_error for span in spans if span.name == "item") == 10
        (run,) = collector.named("run")
        assert run.about["fanout.items.failed"] == 4

        # The alert of an app that is down listens for looks.
        product.host.request("POST", "/admin/functions/watchdog", b'{"input": ""}')
        until(lambda: collector.total("fanout.watchdog.looks") >= 1, lambda: product.host.log)
        assert collector.total("fanout.take_overs") == 0

        # A redrive is a trace of its own, and counts what it did itself.
        product.host.request("POST", "/api/runs/seen/redrive", b"{}")
        ended(collector, 2, product)
        until(lambda: len(collector.named("settle")) >= 2, lambda: product.host.log)
        assert collector.total("fanout.items", outcome="succeeded") == 26
        assert collector.total("fanout.items", outcome="failed") == 8
        again = [span for span in collector.spans if span.trace != caller[3:35]]
        insist_on_one_tree(again, attempt=2)


def test_sagas_tables_and_compensations_are_told_as_well(storage: str, tmp_path: Path):
    with collecting() as collector, observed(storage, tmp_path, collector) as product:
        request = {
            "workload": "voyage",
            "run_id": "trips",
            "retry": QUICK | {"base_seconds": 2, "max_seconds": 2},
            "tolerance": ANY,
            "source": inline(
                [
                    {"id": "a"},
                    {"id": "b", "fates": {"hotel": "refuse"}},
                    {"id": "c", "fates": {"pay": 1}},
                ]
            ),
        }
        assert product.post(request).status == 202
        product.done("trips")
        ended(collector, 1, product)
        until(lambda: collector.named("record_saga"), lambda: product.host.log)
        insist_on_one_tree(list(collector.spans))
        apart = {"saga_step", "record_saga", "close_sagas"}
        assert {"run_sagas", "item"} | apart <= names(collector.spans)
        assert collector.total("fanout.items", outcome="succeeded", workload="voyage") == 2
        assert collector.total("fanout.items", outcome="compensated", workload="voyage") == 1
        assert collector.total("fanout.dead_letters", workload="voyage") == 1

        rows = b"team,cost\n" + b"a,1\nb,2\n" * 50
        parameters = {"group_by": ["team"], "metrics": {"cost": ["sum"]}}
        table = {"workload": "reports", "run_id": "table", "parameters": parameters}
        product.run(table | {"source": product.source(rows)})
        undone = {"workload": "probe", "run_id": "undone", "on_exceeded": "compensate"}
        items = [{}] * 3 + [{"ending": "permanent"}]
        product.run(undone | {"source": inline(items), "retry": QUICK})
        ended(collector, 3, product)
        assert collector.total("fanout.items", outcome="succeeded", workload="reports") == 100
        assert collector.histogram("fanout.item.duration", workload="reports")[0] == 1
        assert collector.total("fanout.runs", outcome="compensated") == 1
        assert collector.total("fanout.items", outcome="compensated", workload="probe") == 3
        assert collector.total("fanout.items", outcome="failed", workload="probe") == 1


@pytest.mark.needs_restart
def test_nothing_is_counted_twice_or_lost_when_the_host_is_killed(storage: str, tmp_path: Path):
    request = {
        "workload": "probe",
        "run_id": "killed",
        "batch": {"max_items": 10},
        "source": inline([{"seconds": 0.02}] * 300),
        "concurrency": {"batches": 2},
    }
    with collecting() as collector:
        with observed(storage, tmp_path, collector) as product:
            assert product.post(request).status == 202
            product.until("killed", lambda status: 50 <= status["items"]["succeeded"] < 250)
            product.host.stop(signal.SIGKILL)
        with observed(storage, tmp_path, collector) as product:
            assert product.done("killed")["items"]["succeeded"] == 300
            ended(collector, 1, product)
        # Started again, it has nothing more to tell; what was held back came when it stopped.
        with observed(storage, tmp_path, collector) as product:
            assert product.status("killed")["phase"] == "done"
        assert collector.total("fanout.runs") == 1
        assert collector.total("fanout.items") == 300
        assert collector.histogram("fanout.run.duration")[0] == 1
        assert len(collector.named("run")) == 1
        assert len({span.trace for span in collector.spans}) == 1


def test_where_nobody_listens_no_sdk_is_loaded():
    code = (
        "import sys\n"
        "from types import SimpleNamespace\n"
        "import function_app\n"
        "from fanout.adapters.telemetry import metrics\n"
        "from fanout.adapters.telemetry.otel import record_metric\n"
        "from fanout.adapters.telemetry.spans import trace_activity, trace_start\n"
        "context = SimpleNamespace(function_name='process_batch', invocation_id='i')\n"
        "with trace_activity(context, {'run_id': 'r'}), trace_start('r', 1) as trace:\n"
        "    record_metric(metrics.RUNS, 1, workload='w', outcome='failed')\n"
        "assert trace is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])\n"
    )
    silent = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL", "APPLICATIONINS"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=silent | {"FANOUT_STORAGE": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.needs_keys
@pytest.mark.needs_service_bus
def test_log_lines_of_whole_runs_are_as_described_and_have_no_secret(
    storage: str, bus: FanoutBus, tmp_path: Path
):
    settings = {
        "FANOUT_LOG_LEVEL": "DEBUG",
        "FANOUT_RUNS_CONTAINER": "logged",
        "FANOUT_SERVICE_BUS": bus.connection_string,
        "FANOUT_WEBHOOK_SECRET": "the-secret-of-webhooks",
    }
    leak = f"refused: {storage}"
    items = [{}, {"ending": "permanent"}, {"good": 2}, {"says": leak}]
    probe = {"workload": "probe", "retry": QUICK, "tolerance": ANY}
    with product_on(storage, tmp_path, options=("--auth",), **settings) as product:
        keys = (tmp_path / "data" / "keys.json").read_text()
        key = {"x-functions-key": json.loads(keys)["host"]["default"]}
        saga = {"workload": "voyage", "tolerance": ANY, "retry": QUICK}
        trips = [{"id": "a"}, {"id": "b", "fates": {"hotel": "refuse"}}]
        undone = {**probe, "tolerance": {}, "on_exceeded": "compensate"}
        asked = {
            "by-message": probe | {"source": inline(items)},
            "sagas": saga | {"source": inline(trips)},
            "undone": undone | {"source": inline(items)},
        }
        bodies = [(name, json.dumps(body).encode()) for name, body in asked.items()]
        bus.ask([*bodies, ("faulty", b"{")])
        bus.events(3)
        body = json.dumps({"workload": "nobody", "source": inline([])}).encode()
        assert product.host.request("POST", "/api/runs", body, key).status == 400
        answer = product.host.request("GET", "/api/runs/by-message", headers=key)
        told = product.host.log
    lines = [json.loads(line) for line in re.findall(r"^.*?(\{\"timestamp\".*\})$", told, re.M)]
    functions = {line.get("function_name") for line in lines}
    assert {"start_runs", "process_batch", "lay_out", "finish", "start_run"} <= functions
    assert {"run_sagas", "compensate_batch"} <= functions
    for line in lines:
        jsonschema.validate(line, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert {"item-1", "item-3"} <= {line.get("task_id") for line in lines}, lines
    in_use = [
        *re.findall(
            r"(?:AccountKey|SharedAccessKey)=([^;]+)", f"{storage};{bus.connection_string}"
        ),
        *re.findall(r'": "([^"]{20,})"', keys),
        settings["FANOUT_WEBHOOK_SECRET"],
    ]
    assert len(in_use) >= 5
    for secret in in_use:
        assert secret not in told
        assert secret not in answer.body.decode()
