"""The host: settings, user code, the durable engine, HTTP and timers, started and stopped together.

What starts first stops last: a listener stops taking requests before the engine stops, and the
engine before the workers that run its functions.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from localhost.access.auth import Gate
from localhost.access.key_admin import KeyAdmin
from localhost.access.keys import KeyFileError, KeyRing
from localhost.app import App
from localhost.bindings.app_bindings import make_bindings
from localhost.bindings.contract import BindingError
from localhost.bindings.executor import BoundExecutor
from localhost.bindings.input_executor import InputExecutor
from localhost.bindings.queue_news import QueueNews
from localhost.durable.api.handler import DurableApi
from localhost.durable.engine.engine import Engine
from localhost.durable.engine.tearing import Tearing
from localhost.durable.host_json import DurableSettings, DurableSettingsError
from localhost.durable.storage.schema import StoreError
from localhost.durable.storage.store import STORE_FILE, Store
from localhost.execution import workers
from localhost.execution.bindings import AppFunctions, examine
from localhost.execution.contract import AppLoadError, FunctionInfo, HostedExecutor
from localhost.execution.dispatch import Examine
from localhost.execution.faulty_executor import FaultyExecutor
from localhost.execution.interpreter import check_interpreter, find_interpreter
from localhost.faults import Faults, FaultsError
from localhost.http import sockets
from localhost.http.admin import Admin
from localhost.http.front import HttpFront
from localhost.http.routing import RouteError
from localhost.limits import function_timeout
from localhost.log_levels import LogLevels
from localhost.settings import Settings, SettingsError
from localhost.stack.azurite import AzuriteError
from localhost.stack.broker.process import ServiceBusError
from localhost.stack.services import DevelopmentServices
from localhost.stopping import Stoppable, stop_together
from localhost.triggers.blob import BlobTriggerError, BlobTriggers, blob_functions
from localhost.triggers.service_bus.trigger_settings import (
    ServiceBusTriggerError,
    service_bus_functions,
)
from localhost.triggers.service_bus.triggers import ServiceBusTriggers
from localhost.triggers.time_zones import TimeZoneError, read_zone
from localhost.triggers.timer import TimerError, Timers, timer_functions
from localhost.triggers.warmup import warm_up

logger = logging.getLogger(__name__)

KEY_FILE = "keys.json"
RPC_PORT = 17071
RPC_PATH = "/durabletask/"
HTTP_GRACE_SECONDS = 2.0
ENGINE_GRACE_SECONDS = 3.0
START_ERRORS = (
    SettingsError,
    sockets.PortError,
    StoreError,
    DurableSettingsError,
    AppLoadError,
    RouteError,
    TimerError,
    TimeZoneError,
    AzuriteError,
    ServiceBusError,
    ServiceBusTriggerError,
    BlobTriggerError,
    BindingError,
    KeyFileError,
    FaultsError,
)


@dataclass(frozen=True)
class _Endpoints:
    """Where requests come in, and what guards it."""

    public: list[socket.socket]
    rpc: socket.socket
    gate: Gate
    keys: KeyAdmin


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        port: None means that of local.settings.json; 0 means any free one.
        worker_count: 0 means that user code runs in the host's own process; None means as many
            processes as the app's settings say.
        has_auth: Whether keys are asked for.
        skips_unserved: Whether functions with what is not served are left out.
        python: The Python of the worker processes; None means the host's own.
    """

    app_dir: Path
    data_dir: Path
    port: int | None = None
    worker_count: int | None = None
    has_stack: bool = True
    has_auth: bool = False
    faults: Faults | None = None
    skips_unserved: bool = False
    python: str | None = None


class Host:
    """A host of one app; `start` it once, then `stop` it.

    Args:
        services: What it starts if the app needs it, and leaves running.

    Attributes:
        port: Where it listens, once it has started.
        failure: Done when the host can no longer write its state, and so must be stopped.
    """

    def __init__(self, options: Options, services: DevelopmentServices) -> None:
        self._options = options
        self._services = services
        self.port = 0
        self._functions = AppFunctions((), ())
        self._environment: dict[str, str] = {}
        self._queue_news = QueueNews()
        self._exits = contextlib.AsyncExitStack()
        self.failure: asyncio.Future[StoreError] = asyncio.get_running_loop().create_future()

    def _fail(self, error: StoreError) -> None:
        if not self.failure.done():
            self.failure.set_result(error)

    async def start(self) -> App:
        """Serve the app.

        Raises:
            START_ERRORS: It cannot be served; nothing is left running.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop serving and let what runs end within a few seconds."""
        await self._exits.aclose()

    async def _start(self) -> App:
        settings = Settings.load(self._options.app_dir)
        for warning in settings.warnings:
            logger.warning(warning)
        durable_settings = _durable_settings(settings)
        public = self._listen(settings)
        rpc = self._exits.enter_context(sockets.listen_preferably(RPC_PORT))
        self.port = sockets.port_of(public[0])
        origin = f"http://localhost:{self.port}"
        async with contextlib.AsyncExitStack() as unused:
            store = Store.open(self._options.data_dir / STORE_FILE)
            store.on_failure = self._fail
            unused.push_async_callback(store.close)
            executor = await self._start_executor(settings, origin)
            tearing = _tearing(self._options.faults)
            engine = Engine(executor, store, durable_settings, tearing=tearing)
            keys = KeyRing.open(self._options.data_dir / KEY_FILE)
            gate = Gate(keys, is_closed=self._options.has_auth)
            durable = DurableApi(engine, lambda: gate.webhook_key)
            app = App(settings, self._functions, executor, origin)

            def bind() -> None:
                executor.bind(_client_inputs(app, durable, durable_settings.hub_name, rpc))

            bind()
            await engine.start()
            unused.pop_all()  # the engine now closes the store
        self._exits.push_async_callback(engine.stop, ENGINE_GRACE_SECONDS)
        await self._serve(app, durable, _Endpoints(public, rpc, gate, KeyAdmin(keys, bind)))
        return app

    def _listen(self, settings: Settings) -> list[socket.socket]:
        port = settings.port if self._options.port is None else self._options.port
        public = sockets.listen(settings.address, port)
        for listener in public:
            self._exits.enter_context(listener)
        return public

    async def _start_executor(self, settings: Settings, origin: str) -> HostedExecutor:
        environment = {**settings.environment, "WEBSITE_HOSTNAME": origin.partition("//")[2]}

        def take(functions: Sequence[FunctionInfo]) -> Sequence[FunctionInfo]:
            self._functions = examine(
                functions, settings, skips_unserved=self._options.skips_unserved
            )
            return self._functions.callable

        inner = _executor(self._options, replace(settings, environment=environment), take)
        writer = BoundExecutor(inner)
        executor = InputExecutor(writer)
        self._exits.push_async_callback(executor.stop)
        # The workers import their libraries while the storage emulator starts.
        _, stack = await asyncio.gather(executor.prepare(), self._services.start(environment))
        executor.environment.update(stack)
        self._environment = {**environment, **stack}
        await executor.start()
        bindings = make_bindings(self._functions, settings, self._environment, self._queue_news)
        self._functions = bindings.functions
        writer.write_to(bindings.outputs)
        executor.read_from(bindings.inputs)
        return executor

    async def _serve(self, app: App, durable: DurableApi, endpoints: _Endpoints) -> None:
        # What a trigger has begun may need the durable client until it ends.
        await self._open(_rpc_application(durable), [endpoints.rpc])
        await warm_up(app.executor, app.functions.enabled)
        triggers: list[Stoppable] = []
        self._exits.push_async_callback(stop_together, triggers)
        # The executor adds the inputs itself.
        timers = Timers(
            app.executor,
            self._options.data_dir / "timers",
            inputs=lambda info: {},
            zone=read_zone(app.settings.environment),
        )
        admin = Admin(app, timers.run_now, endpoints.keys)
        front = HttpFront(app, admin, durable, endpoints.gate)
        triggers += [timers, admin]
        timers.start(timer_functions(app.functions.enabled))
        bus = ServiceBusTriggers(
            app.executor, self._environment, app.settings.extension("serviceBus")
        )
        triggers.append(bus)
        bus.start(service_bus_functions(app.functions.enabled))
        blobs = BlobTriggers(app.executor, self._environment, self._options.data_dir / "blobs")
        triggers.append(blobs)
        blobs.start(blob_functions(app.functions.enabled))
        if queue_functions := app.functions.of_type("queueTrigger"):
            triggers.append(self._start_queues(app, queue_functions))
        if any(info.is_streamed for info in app.functions.callable):
            self._exits.push_async_callback(front.streams.close)
            await front.streams.open()
        runner = await self._open(front.application(), endpoints.public)
        await self._exits.enter_async_context(front.quiet_connections.watch(runner))

    def _start_queues(self, app: App, functions: Sequence[FunctionInfo]) -> Stoppable:
        # Few apps have such a trigger, and its library takes a while to import.
        from localhost.triggers.storage_queue.triggers import QueueTriggers

        section = app.settings.extension("queues")
        queues = QueueTriggers(app.executor, self._environment, section, self._queue_news)
        queues.start(functions)
        return queues

    async def _open(
        self, application: web.Application, listeners: list[socket.socket]
    ) -> web.AppRunner:
        runner = web.AppRunner(
            application,
            access_log=None,
            auto_decompress=False,
            handle_signals=False,
            shutdown_timeout=HTTP_GRACE_SECONDS,
        )
        await runner.setup()
        self._exits.push_async_callback(runner.cleanup)
        for listener in listeners:
            await web.SockSite(runner, listener).start()
        self._exits.push_async_callback(sockets.stop_accepting, listeners)
        return runner


def _executor(options: Options, settings: Settings, take: Examine) -> HostedExecutor:
    timeout = function_timeout(settings.host_json)
    log_levels = LogLevels.from_host_json(settings.host_json)
    faults = options.faults
    if options.worker_count == 0:
        if faults is not None and faults.may_kill_workers:
            raise FaultsError("--faults: workers.kill: with --workers 0 there are none to kill.")
        from localhost.worker.in_process import InProcessExecutor  # it imports the app's libraries

        inside = InProcessExecutor(
            settings.app_dir,
            settings.environment,
            timeout=timeout,
            examine=take,
            log_levels=log_levels,
        )
        return inside if faults is None else FaultyExecutor(inside, faults, None)
    processes = workers.ProcessExecutor(
        settings.app_dir,
        settings.environment,
        count=options.worker_count or workers.default_count(settings.environment),
        log_levels=log_levels,
        timeout=timeout,
        examine=take,
    )
    processes.python = _interpreter(options.python)
    return processes if faults is None else FaultyExecutor(processes, faults, processes)


def _interpreter(text: str | None) -> Path | None:
    if text is None:
        return None
    python = find_interpreter(text)
    logger.info("User code runs on Python %s (%s).", check_interpreter(python), python)
    return python


def _tearing(faults: Faults | None) -> Tearing | None:
    if faults is None:
        return None
    low, high = faults.turns.again_ms
    return Tearing(faults.turns.torn, (low / 1000, high / 1000), faults.seed)


def _durable_settings(settings: Settings) -> DurableSettings:
    section = settings.extension("durableTask")
    hub_name = section.get("hubName")
    if isinstance(hub_name, str):
        try:
            section = {**section, "hubName": settings.resolve(hub_name)}
        except KeyError as error:
            raise SettingsError(
                f"host.json: durableTask.hubName: %{error.args[0]}% names no setting."
            ) from error
    return DurableSettings.from_host_json(section)


def _client_inputs(
    app: App, durable: DurableApi, hub_name: str, rpc: socket.socket
) -> dict[str, dict[str, str]]:
    rpc_base_url = f"http://127.0.0.1:{sockets.port_of(rpc)}{RPC_PATH}"
    inputs: dict[str, dict[str, str]] = {}
    for info in app.functions.callable:
        for binding in info.bindings:
            if binding["type"] == "durableClient":
                inputs.setdefault(info.name, {})[str(binding["name"])] = durable.client_binding(
                    task_hub=binding.get("taskHub") or hub_name,
                    connection_name=binding.get("connectionName"),
                    public_origin=app.origin,
                    rpc_base_url=rpc_base_url,
                )
    return inputs


def _rpc_application(durable: DurableApi) -> web.Application:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await durable.handle(request, request.match_info["tail"])

    application = web.Application(client_max_size=0)  # this listener has no limit
    application.router.add_route("*", f"{RPC_PATH}{{tail:.*}}", handle)
    return application
