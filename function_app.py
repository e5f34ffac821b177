"""Fanout on Azure Functions: puts the rooms together and holds no logic of its own."""

import azure.functions as func

from activities import registered
from dashboard import blueprint as dashboard
from fanout.adapters.settings import settings
from fanout.adapters.telemetry.logs import configure
from fanout.durable.app import App
from orchestrators import fan_in, queued_run, run, saga, shard
from starters import blob, service_bus, timer, watchdog
from starters.blueprints import API

configure(settings().log_level)

signs_in = settings().sign_in
app = App(http_auth_level=func.AuthLevel.ANONYMOUS if signs_in else func.AuthLevel.FUNCTION)
ORCHESTRATORS = (run, shard, saga, fan_in, queued_run)
for blueprint in API:
    app.register_functions(blueprint)
for room in (watchdog, dashboard, *ORCHESTRATORS):
    app.register_functions(room.bp)
for activities in registered.BLUEPRINTS:
    app.register_functions(activities)
for starter in (timer.blueprint(), service_bus.blueprint(settings()), blob.blueprint(settings())):
    app.register_functions(starter)
