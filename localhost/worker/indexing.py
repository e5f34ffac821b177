"""Finds the functions of an app through the public azure-functions API.

Runs where user code runs: in a worker, or in the host itself with `--workers 0`.
"""

import importlib
import importlib.util
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
from localhost.execution.import_path import arrange_import_path
from localhost.texts import describe_error, format_stack
from localhost.worker import deferred, web_extension
from localhost.worker.extensions import run_load_hooks
from localhost.worker.signatures import SignatureError, check, check_retry, folder_of

SCRIPT_SETTING = "PYTHON_SCRIPT_FILE_NAME"
DEFAULT_SCRIPT = "function_app.py"
_WORDS = ("direction", "authLevel", "cardinality", "dataType", "accessRights")


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """A function of the app and the callable behind it.

    Attributes:
        folder: That of the file it is written in; None means the app's.
    """

    info: FunctionInfo
    call: Callable[..., Any]
    wants_context: bool
    folder: Path | None = None


def load_app(app_dir: Path) -> list[LoadedFunction]:
    """Import the app's script and read its functions, in the order of registration.

    Raises:
        AppLoadError: It cannot be imported, has no app, or a function cannot be called with its
            bindings.
    """
    module = _import_script(app_dir)
    app = _find_app(module)
    try:
        functions = app.get_functions()
    except Exception as error:
        reason = str(error) if isinstance(error, ValueError) else describe_error(error)
        raise AppLoadError(f"{module.__file__}: {reason}") from error
    loaded_functions, problems = [], []
    for function in functions:
        try:
            loaded_functions.append(read_function(function))
        except SignatureError as error:
            problems.append(f"Function '{function.get_function_name()}' cannot be loaded: {error}.")
    if problems:
        raise AppLoadError("\n".join(problems))
    try:
        run_load_hooks([function.info.name for function in loaded_functions], app_dir)
    except BaseException as error:  # as of the script: sys.exit() does not end the host
        raise AppLoadError(f"A worker extension ended with {describe_error(error)}.") from error
    return loaded_functions


def _import_script(app_dir: Path) -> ModuleType:
    script = app_dir / os.environ.get(SCRIPT_SETTING, DEFAULT_SCRIPT)
    if not script.is_file():
        raise AppLoadError(
            f"There is no {script.name} in {app_dir}: start the host in the folder of a Python "
            f"function app, name it with --app, or set {SCRIPT_SETTING}."
        )
    arrange_import_path(app_dir, os.environ)
    if not _is_at(getattr(sys.modules.get(script.stem), "__file__", None), script):
        sys.modules.pop(script.stem, None)
    found = importlib.util.find_spec(script.stem)
    if found is None or not _is_at(found.origin, script):
        raise AppLoadError(
            f"{script} is hidden by another module of its name, {found and found.origin}: the "
            "folder of an app is the last that Python looks for modules in, here as in Azure. "
            f"Give the script another name, and set {SCRIPT_SETTING} to it."
        )
    try:
        return importlib.import_module(script.stem)
    except BaseException as error:
        raise AppLoadError(f"{script} cannot be imported.\n{_user_traceback(error)}") from error


def _is_at(file: str | None, script: Path) -> bool:
    return file is not None and Path(file).resolve() == script.resolve()


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
        name: value
        for name, value in vars(module).items()
        if isinstance(value, azure.functions.FunctionRegister)
    }
    if len(apps) == 1:
        (app,) = apps.values()
        return app
    if not apps:
        raise AppLoadError(
            f"{module.__file__} has no function app at module level; it needs exactly one, such as "
            "app = azure.functions.FunctionApp()."
        )
    names = ", ".join(f"'{name}'" for name in apps)
    advice = (
        "Keep one of these names."
        if len({id(app) for app in apps.values()}) == 1
        else "Keep one app, and let the others be azure.functions.Blueprint()."
    )
    raise AppLoadError(
        f"{module.__file__} has {len(apps)} names for function apps at module level, {names}; the "
        f"Functions worker refuses more than one, be it of the same app. {advice}"
    )


def read_function(function: Any) -> LoadedFunction:
    """Read one function that azure-functions has built.

    Raises:
        SignatureError: It cannot be called with its bindings.
    """
    call = function.get_user_function()
    folder = folder_of(call)
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
        is_streamed=trigger["type"] == "httpTrigger" and web_extension.is_enabled(),
    )
    check_retry(info.retry_policy)
    return LoadedFunction(info, call, wants_context, folder)


def _normalize(binding: dict[str, Any]) -> dict[str, Any]:
    for key in _WORDS:
        if isinstance(binding.get(key), str):
            binding[key] = binding[key].lower()
    if "methods" in binding:
        binding["methods"] = [str(method).lower() for method in binding["methods"]]
    return binding
