"""Worker processes: what they run, how they die, and who replaces them."""

import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from localhost.execution.contract import (
    AppLoadError,
    FunctionInfo,
    HttpRequestData,
    Invocation,
    InvocationResult,
)
from localhost.execution.invoke import invoke
from localhost.execution.workers import ProcessExecutor, default_count
from localhost.worker.in_process import InProcessExecutor

# The library's advice to its own users.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions:DeprecationWarning")
REPOSITORY = Path(__file__).parents[4]
DEADLINE_SECONDS = 120
APP = """
import asyncio, atexit, ctypes, logging, os, pathlib, signal, sys, threading, time
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
folder = pathlib.Path(os.environ["TEST_FOLDER"])
meeting = threading.Barrier(2)


@app.function_name("echo")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def echo(n):
    return n


@app.function_name("where")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def where(n):
    return {"pid": os.getpid(), "cwd": os.getcwd(), "setting": os.environ.get("SETTING")}


@app.function_name("meet")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def meet(n):
    meeting.wait(120)
    return n


@app.function_name("meet_async")
@app.generic_trigger(arg_name="n", type="activityTrigger")
async def meet_async(n):
    state = meet_async.__dict__
    state.setdefault("arrived", asyncio.Event())
    if n == 1:
        await asyncio.wait_for(state["arrived"].wait(), 10)
    state["arrived"].set()
    return n


@app.function_name("die_once")
@app.generic_trigger(arg_name="how", type="activityTrigger")
def die_once(how):
    marker = folder / f"died-{how}"
    if marker.exists():
        return "survived"
    marker.touch()
    if how == "exit":
        os._exit(7)
    os.kill(os.getpid(), getattr(signal, how))
    time.sleep(10)


@app.function_name("web")
@app.route(route="web")
def web(req: func.HttpRequest) -> func.HttpResponse:
    os._exit(9)


@app.function_name("speak")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def speak(n):
    print("printed", n)
    logging.getLogger("mine").warning("logged %s", n)
    logging.debug("not shown")
    return n


@app.function_name("leave")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def leave(n):
    atexit.register((folder / "left").touch)
    return n


@app.function_name("count_arenas")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def count_arenas(n):
    together = threading.Barrier(n)
    def allocate():
        together.wait(120)
        kept = bytearray(100_000)
        together.wait(120)
    threads = [threading.Thread(target=allocate) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    libc, report = ctypes.CDLL(None), folder / "malloc.xml"
    libc.fopen.restype = ctypes.c_void_p
    file = ctypes.c_void_p(libc.fopen(bytes(report), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    return report.read_text().count("<heap nr=")


@app.function_name("slow")
@app.generic_trigger(arg_name="n", type="activityTrigger")
def slow(n):
    (folder / "slow-began").touch()
    while not (folder / "slow-may-end").exists():
        time.sleep(0.005)
    return n


@app.function_name("turn")
@app.generic_trigger(arg_name="context", type="entityTrigger")
def turn(context):
    return "7"


@app.function_name("turn_async")
@app.generic_trigger(arg_name="n", type="activityTrigger")
async def turn_async(n):
    return n
"""


@pytest.fixture
def app_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP, encoding="utf-8")
    return folder


Starter = Callable[..., Awaitable[ProcessExecutor]]


@pytest.fixture
async def start(app_dir: Path, tmp_path: Path) -> AsyncIterator[Starter]:
    executors: list[ProcessExecutor] = []

    async def start_executor(count: int = 1, **environment: str) -> ProcessExecutor:
        environment = {**os.environ, "TEST_FOLDER": str(tmp_path), **environment}
        executors.append(ProcessExecutor(app_dir, environment, count=count))
        await executors[-1].start()
        return executors[-1]

    yield start_executor
    for executor in executors:
        await executor.stop()


async def _call(executor: Any, function: str, value: Any = None, name: str = "1") -> Any:
    call = Invocation(f"{function}-{name}", function, json.dumps(value))
    result = await asyncio.wait_for(invoke(executor, call), DEADLINE_SECONDS)
    assert result.error is None, result
    return json.loads(result.value)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - processes and files tell no event
            await asyncio.sleep(0.005)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_user_code_runs_in_the_apps_folder_with_its_environment(
    start: Starter, app_dir: Path
) -> None:
    executor = await start(SETTING="x")
    seen = await _call(executor, "where")
    assert seen == {"pid": executor.worker_pids[0], "cwd": str(app_dir), "setting": "x"}
    assert seen["pid"] != os.getpid()


async def test_many_calls_all_end_with_their_own_result(start: Starter) -> None:
    executor = await start(count=2)
    results: list[InvocationResult] = []
    calls = [Invocation(str(number), "echo", str(number)) for number in range(3_000)]
    executor.submit(calls, results.extend)
    await _until(lambda: len(results) == len(calls))
    assert {result.id: result.value for result in results} == {call.id: call.id for call in calls}


async def test_plain_and_coroutine_functions_run_side_by_side(start: Starter) -> None:
    executor = await start()
    for function in ("meet", "meet_async"):
        pair = (_call(executor, function, 1, "a"), _call(executor, function, 2, "b"))
        assert list(await asyncio.gather(*pair)) == [1, 2]


async def test_an_entity_waits_while_activities_hold_all_threads(
    start: Starter, tmp_path: Path
) -> None:
    executor = await start(PYTHON_THREADPOOL_THREAD_COUNT="2")
    held = [asyncio.create_task(_call(executor, "slow", n, str(n))) for n in (1, 2)]
    await _until((tmp_path / "slow-began").exists)
    turn = asyncio.create_task(_call(executor, "turn", {}))
    # What was sent after it has an end: the entity was reached, and no thread was free for it.
    assert await _call(executor, "turn_async", 8) == 8
    assert not turn.done()
    (tmp_path / "slow-may-end").touch()
    assert await asyncio.gather(*held, turn) == [1, 2, 7]


async def test_work_is_spread_over_the_workers(start: Starter) -> None:
    executor = await start(count=2)
    calls = (_call(executor, "where", name=str(number)) for number in range(8))
    assert {seen["pid"] for seen in await asyncio.gather(*calls)} == set(executor.worker_pids)


@pytest.mark.parametrize("how", ["exit", "SIGKILL", "SIGSEGV"])
async def test_a_dead_worker_is_replaced_and_its_activity_redelivered(
    start: Starter, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    executor = await start()
    [first] = executor.worker_pids
    assert await _call(executor, "die_once", how) == "survived"
    assert first not in executor.worker_pids
    assert "while it ran die_once; starting another" in caplog.text


async def test_an_http_call_in_a_dead_worker_ends_with_an_error(start: Starter) -> None:
    executor = await start()
    request = HttpRequestData("GET", "http://h/", {}, {}, {}, b"")
    result = await asyncio.wait_for(
        invoke(executor, Invocation("1", "web", request)), DEADLINE_SECONDS
    )
    assert result.error == "WorkerProcessExited: the worker process exited with code 9"
    assert await _call(executor, "echo", 5) == 5


async def test_an_idle_worker_that_is_killed_is_replaced(start: Starter) -> None:
    executor = await start()
    [first] = executor.worker_pids
    os.kill(first, signal.SIGKILL)
    await _until(lambda: first not in executor.worker_pids)
    assert (await _call(executor, "where"))["pid"] == executor.worker_pids[0]


async def test_stopping_while_a_replacement_loads_is_quiet(
    start: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    executor = await start()
    [first] = executor.worker_pids
    os.kill(first, signal.SIGKILL)
    await _until(lambda: executor.worker_pids not in ([], [first]))
    replacements = executor.worker_pids
    await executor.stop()
    assert not any(_is_alive(pid) for pid in replacements)
    assert [record.message for record in caplog.records] == [
        f"Worker process {first} was killed by SIGKILL; starting another."
    ]


async def test_what_user_code_says_goes_to_standard_error(
    start: Starter, capfd: pytest.CaptureFixture[str]
) -> None:
    executor = await start()
    await _call(executor, "speak", 5)
    captured = capfd.readouterr()
    assert "[speak speak-1] printed 5\n" in captured.err
    assert "[speak speak-1] WARNING: logged 5\n" in captured.err
    assert "not shown" not in captured.err
    assert captured.out == ""


async def test_stopping_lets_running_calls_end_and_runs_exit_handlers(
    start: Starter, tmp_path: Path
) -> None:
    executor = await start()
    await _call(executor, "leave")
    slow = asyncio.create_task(_call(executor, "slow", 5))
    await _until((tmp_path / "slow-began").exists)
    pids = executor.worker_pids
    stopping = asyncio.create_task(executor.stop())
    (tmp_path / "slow-may-end").touch()
    await stopping
    assert await slow == 5
    assert (tmp_path / "left").exists()
    assert not any(_is_alive(pid) for pid in pids)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries have no arenas")
async def test_threads_of_a_worker_share_their_heaps(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _call(await start(), "count_arenas", 12) <= 2
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    assert 2 < await _call(await start(), "count_arenas", 12) <= 7


async def test_workers_end_at_once_when_the_host_is_killed(app_dir: Path, tmp_path: Path) -> None:
    script = f"""
import asyncio, os, pathlib
from localhost.execution.workers import ProcessExecutor
async def main():
    executor = ProcessExecutor(pathlib.Path({str(app_dir)!r}), os.environ, count=2)
    await executor.start()
    print(*executor.worker_pids, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    environment = {**os.environ, "TEST_FOLDER": str(tmp_path)}
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
        [sys.executable, "-c", script], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        pids = [int(text) for text in host.stdout.readline().split()]
        host.kill()
    assert len(pids) == 2
    await _until(lambda: not any(_is_alive(pid) for pid in pids))


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("import os; os._exit(1)", "ended while it loaded the app"),
    ],
)
async def test_an_app_that_cannot_be_loaded_is_an_error_with_the_reason(
    tmp_path: Path, app: str, expected: str
) -> None:
    (tmp_path / "function_app.py").write_text(app)
    executor = ProcessExecutor(tmp_path, os.environ, count=2)
    with pytest.raises(AppLoadError) as refused:
        await executor.start()
    assert expected in str(refused.value)
    assert executor.worker_pids == []


async def test_prepared_workers_end_quietly_where_the_host_cannot_start(
    app_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    executor = ProcessExecutor(app_dir, os.environ, count=2)
    await executor.prepare()
    pids = executor.worker_pids
    await executor.stop()
    assert len(pids) == 2
    assert not any(_is_alive(pid) for pid in pids)
    assert capfd.readouterr().err == ""


async def test_the_examiner_decides_what_is_run_and_may_refuse(app_dir: Path) -> None:
    def refuse(functions: Sequence[FunctionInfo]) -> Sequence[FunctionInfo]:
        raise AppLoadError(f"{len(functions)} functions are too many")

    environment = {**os.environ, "TEST_FOLDER": "."}
    executor = ProcessExecutor(app_dir, environment, examine=refuse)
    with pytest.raises(AppLoadError, match="are too many"):
        await executor.start()
    assert (list(executor.functions), executor.worker_pids) == ([], [])


async def test_in_process_the_same_functions_run_in_the_host(
    app_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    executor = InProcessExecutor(app_dir, {"TEST_FOLDER": str(tmp_path)})
    await executor.start()
    try:
        assert (await _call(executor, "where"))["pid"] == os.getpid()
        for function in ("meet", "meet_async"):
            pair = (_call(executor, function, 1, "a"), _call(executor, function, 2, "b"))
            assert list(await asyncio.gather(*pair)) == [1, 2]
    finally:
        await executor.stop()
        sys.modules.pop("function_app", None)


@pytest.mark.parametrize(("text", "count"), [("3", 3), ("", 1), ("0", 1), ("many", 1)])
def test_the_functions_setting_says_how_many_workers(text: str, count: int) -> None:
    assert default_count({"FUNCTIONS_WORKER_PROCESS_COUNT": text}) == count
    assert default_count({}) == 1
