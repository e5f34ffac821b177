"""Fanout on Azure Functions: puts the rooms together and holds no logic of its own."""

import azure.durable_functions as df
import azure.functions as func

from activities import (
    compensate_batch,
    finalize,
    find_earlier_runs,
    lay_out,
    merge_partials,
    plan,
    plan_compensation,
    process_batch,
    publish,
    scan,
    write_results,
)
from entities import admission, breaker, governor
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import configure
from orchestrators import fan_in, queued_run, run, shard
from starters import blob, control, http, listing, redrive, service_bus, timer, watchdog

configure(settings().log_level)

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
STARTERS = (http, listing, control, redrive, watchdog)
ORCHESTRATORS = (run, shard, fan_in, queued_run)
MAP = (plan, scan, process_batch, plan_compensation, compensate_batch)
FAN_IN = (lay_out, write_results, merge_partials, finalize)
AROUND_A_RUN = (find_earlier_runs, publish)
ENTITIES = (governor, admission, breaker)
for room in (*STARTERS, *ORCHESTRATORS, *MAP, *FAN_IN, *AROUND_A_RUN, *ENTITIES):
    app.register_functions(room.bp)
for starter in (timer.blueprint(), service_bus.blueprint(settings()), blob.blueprint(settings())):
    app.register_functions(starter)
