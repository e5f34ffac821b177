"""Finding the functions of an app, and refusing what the Functions worker would refuse."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhost.execution.contract import AppLoadError
from localhost.worker.indexing import load_app

HEAD = """
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""


@pytest.fixture(autouse=True)
def _imports_as_before() -> Iterator[None]:
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("function_app", None)


def _app(folder: Path, body: str, head: str = HEAD) -> Path:
    (folder / "function_app.py").write_text(head + body, encoding="utf-8")
    return folder


def test_functions_are_found_with_their_bindings_in_plain_words(tmp_path: Path) -> None:
    loaded = load_app(
        _app(
            tmp_path,
            """
@app.route(route="a/{id:int?}", methods=["GET", "POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client, context: func.Context): ...

@app.activity_trigger(input_name="n", activity="other")
def act(n: dict): ...

@app.function_name("renamed")
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
@app.timer_trigger(schedule="%X%", arg_name="t", run_on_startup=True)
def tick(t: func.TimerRequest): ...
""",
        )
    )
    start, act, tick = (function.info for function in loaded)
    assert start.name == "start"
    assert start.trigger == {
        "type": "httpTrigger",
        "name": "req",
        "direction": "in",
        "authLevel": "anonymous",
        "methods": ["get", "post"],
        "route": "a/{id:int?}",
    }
    assert [binding["type"] for binding in start.bindings] == [
        "durableClient",
        "httpTrigger",
        "http",
    ]
    assert start.is_async
    assert loaded[0].wants_context
    assert (act.trigger_type, act.durable_name, act.is_async) == ("activityTrigger", "other", False)
    assert (tick.name, tick.trigger["runOnStartup"]) == ("renamed", True)
    assert tick.retry_policy is not None
    assert tick.retry_policy["max_retry_count"] == "3"


def test_another_script_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other_script.py").write_text(
        HEAD + '@app.activity_trigger(input_name="n")\ndef act(n): ...\n'
    )
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "other_script.py")
    assert [function.info.name for function in load_app(tmp_path)] == ["act"]
    del sys.modules["other_script"]


def test_an_app_in_another_folder_is_not_mistaken_for_the_first(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        body = f'@app.activity_trigger(input_name="n")\ndef {name}(n): ...\n'
        loaded = load_app(_app(tmp_path / name, body))
        assert [function.info.name for function in loaded] == [name]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("del app", "has no function app"),
        (
            "second = func.FunctionApp()",
            "2 names for function apps at module level, 'app', 'second'",
        ),
        ("other = app", "refuses more than one, be it of the same app. Keep one of these names."),
        (
            '@app.activity_trigger(input_name="n")\ndef a(n): ...\n'
            '@app.function_name("a")\n@app.activity_trigger(input_name="n")\ndef b(n): ...\n',
            "unique",
        ),
    ],
)
def test_an_app_that_cannot_be_loaded_is_refused_with_the_reason(
    tmp_path: Path, body: str, expected: str
) -> None:
    with pytest.raises(AppLoadError) as refused:
        load_app(_app(tmp_path, body))
    assert expected in str(refused.value)


def test_a_traceback_begins_in_the_users_code(tmp_path: Path) -> None:
    with pytest.raises(AppLoadError) as refused:
        load_app(_app(tmp_path, "def fail():\n    return 1 / 0\nfail()\n"))
    lines = str(refused.value).splitlines()
    assert lines[1] == "Traceback (most recent call last):"
    assert str(tmp_path / "function_app.py") in lines[2]
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_folder_without_a_script_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(AppLoadError, match=r"There is no function_app\.py"):
        load_app(tmp_path)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ('@app.activity_trigger(input_name="n")\ndef f(n, extra): ...', "parameters 'extra'"),
        ('@app.activity_trigger(input_name="n")\ndef f(m): ...', "parameters 'm'"),
        ('@app.activity_trigger(input_name="n")\ndef f(n: dict[str, int]): ...', "plain class"),
        ('@app.activity_trigger(input_name="n")\ndef f(n: int | None): ...', "plain class"),
        ('@app.activity_trigger(input_name="n")\ndef f(n: "Nothing"): ...', "cannot be resolved"),
        ('@app.activity_trigger(input_name="n")\ndef f(n, context: int): ...', "'context'"),
        ('@app.orchestration_trigger(context_name="c")\ndef f(c): ...', "context_name='context'"),
        ("@app.route()\ndef f(req: func.TimerRequest): ...", "httpTrigger binding does not give"),
        ("@app.route()\ndef f(req: func.Out[str]): ...", "annotated azure.functions.Out"),
        (
            "@app.route()\ndef f(req) -> bytes: ...",
            "annotate it azure.functions.HttpResponse or str",
        ),
        ("@app.route()\ndef f(req) -> None: ...", "its return value is annotated None, which the"),
        ("@app.route()\ndef f(req: 'typing.List'): ...", "not under TYPE_CHECKING"),
        (
            "class A:\n    __name__ = 'f'\n    def __call__(self, req): ...\napp.route()(A())",
            "an object of class 'A', not a function with a file of its own",
        ),
        (
            '@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="24:00:00")\n'
            '@app.timer_trigger(arg_name="t", schedule="0 * * * * *")\ndef f(t): ...',
            "delay_interval is '24:00:00', which the Functions worker refuses: give hours, minutes",
        ),
        (
            '@app.route()\n@app.queue_output(arg_name="q", queue_name="q", connection="")\n'
            "def f(req, q: str): ...",
            "output 'q'",
        ),
    ],
)
def test_a_signature_that_the_worker_would_refuse_is_refused(
    tmp_path: Path, function: str, expected: str
) -> None:
    with pytest.raises(AppLoadError) as refused:
        load_app(_app(tmp_path, function))
    assert "Function 'f' cannot be loaded" in str(refused.value)
    assert expected in str(refused.value)


def test_a_script_that_another_module_hides_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "function_app.py").write_text("")
    sys.path.insert(0, str(tmp_path / "lib"))
    (tmp_path / "app").mkdir()
    with pytest.raises(AppLoadError, match=r"hidden by another module of its name, .*/lib/"):
        load_app(_app(tmp_path / "app", ""))


def test_what_the_library_cannot_build_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(AppLoadError, match="AttributeError: "):
        load_app(_app(tmp_path, "app._function_builders.append(None)"))
