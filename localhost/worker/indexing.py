"""Finds the functions of an app through the public azure-functions API.

Runs where user code runs: in a worker, or in the host itself with `--workers 0`.
"""

import importlib
import inspect
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import azure.functions

from localhost.execution.contract import AppLoadError, FunctionInfo
from localhost.texts import format_stack
from localhost.worker import deferred
from localhost.worker.signatures import SignatureError, check

SCRIPT_SETTING = "PYTHON_SCRIPT_FILE_NAME"
DEFAULT_SCRIPT = "function_app.py"
_WORDS = ("direction", "authLevel", "cardinality", "dataType", "accessRights")


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """A function of the app and the callable behind it."""

    info: FunctionInfo
    call: Callable[..., Any]
    wants_context: bool


def load_app(app_dir: Path) -> list[LoadedFunction]:
    """Import the app's script and read its functions, in the order of registration.

    Raises:
        AppLoadError: It cannot be imported, has no app, or a function cannot be called with its
            bindings.
    """
    module = _import_script(app_dir)
    try:
        functions = _find_app(module).get_functions()
    except ValueError as error:
        raise AppLoadError(f"{module.__file__}: {error}") from error
    loaded_functions, problems = [], []
    for function in functions:
        try:
            loaded_functions.append(read_function(function))
        except SignatureError as error:
            problems.append(f"Function '{function.get_function_name()}' cannot be loaded: {error}.")
    if problems:
        raise AppLoadError("\n".join(problems))
    return loaded_functions


def _import_script(app_dir: Path) -> ModuleType:
    script = app_dir / os.environ.get(SCRIPT_SETTING, DEFAULT_SCRIPT)
    if not script.is_file():
        raise AppLoadError(
            f"There is no {script.name} in {app_dir}: start the host in the folder of a Python "
            f"function app, name it with --app, or set {SCRIPT_SETTING}."
        )
    _put_first_on_path(str(app_dir))
    loaded_module = sys.modules.get(script.stem)
    if (
        loaded_module is not None
        and Path(loaded_module.__file__ or "").resolve() != script.resolve()
    ):
        del sys.modules[script.stem]
    try:
        return importlib.import_module(script.stem)
    except BaseException as error:
        raise AppLoadError(f"{script} cannot be imported.\n{_user_traceback(error)}") from error


def _put_first_on_path(folder: str) -> None:
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()


def _user_traceback(error: BaseException) -> str:
    # The frames of this module and of importlib say nothing to the user.
    frame = error.__traceback__
    while frame is not None and _is_machinery(frame.tb_frame.f_code.co_filename):
        frame = frame.tb_next
    return format_stack(BaseException.with_traceback(error, frame))


def _is_machinery(filename: str) -> bool:
    return filename in (__file__, importlib.__file__) or filename.startswith("<frozen importlib")


def _find_app(module: ModuleType) -> Any:
    apps = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, azure.functions.FunctionRegister)
    }
    if len(apps) == 1:
        return next(iter(apps.values()))
    count = "no function app" if not apps else f"{len(apps)} function apps"
    raise AppLoadError(
        f"{module.__file__} has {count} at module level; it needs exactly one, such as "
        "app = azure.functions.FunctionApp()."
    )


def read_function(function: Any) -> LoadedFunction:
    """Read one function that azure-functions has built.

    Raises:
        SignatureError: It cannot be called with its bindings.
    """
    call = function.get_user_function()
    bindings = [_normalize(json.loads(text)) for text in function.get_raw_bindings()]
    obstacle = None
    try:
        wants_context = check(call, bindings)
    except deferred.UnservedError as error:
        wants_context, obstacle = False, str(error)
    annotations = get_type_hints(call)
    bindings = [deferred.mark(b, annotations.get(str(b["name"]))) for b in bindings]
    trigger_object = function.get_trigger()
    trigger = next(
        binding
        for binding in bindings
        if binding["name"] == trigger_object.name and binding["type"] == trigger_object.type
    )
    info = FunctionInfo(
        name=function.get_function_name(),
        trigger=trigger,
        bindings=bindings,
        is_async=inspect.iscoroutinefunction(call),
        retry_policy=function.get_settings_dict("retry_policy"),
        obstacle=obstacle,
    )
    return LoadedFunction(info, call, wants_context)


def _normalize(binding: dict[str, Any]) -> dict[str, Any]:
    for key in _WORDS:
        if isinstance(binding.get(key), str):
            binding[key] = binding[key].lower()
    if "methods" in binding:
        binding["methods"] = [str(method).lower() for method in binding["methods"]]
    return binding
