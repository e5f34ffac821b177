"""Fanout on Azure Functions: puts the rooms together and holds no logic of its own."""

import azure.durable_functions as df
import azure.functions as func

from activities import compensate_batch, finalize, plan, process_batch
from entities import governor
from fanout.adapters.settings import settings
from fanout.adapters.telemetry import configure
from orchestrators import run, shard
from starters import http, redrive

configure(settings().log_level)

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
for room in (http, redrive, run, shard, plan, process_batch, compensate_batch, finalize, governor):
    app.register_functions(room.bp)
