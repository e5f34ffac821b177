"""Worker extensions: classes of azure-functions whose hooks run around calls.

Those of an `AppExtensionBase` run around every call, those of a `FuncExtensionBase` around those of
one function. As in Azure they run only where a setting says so; else the log names those that wait.
From Python 3.13 on they never run: Azure has another worker for it, that calls no hooks.

Source: azure_functions_runtime; https://github.com/Azure/azure-functions-python-worker/issues/1759
"""

import json
import logging
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import azure.functions

SETTING = "PYTHON_ENABLE_WORKER_EXTENSIONS"
# The first Python that has the worker without hooks.
_HOOKLESS = (3, 13)
_TRUE = frozenset({"1", "true", "t", "yes", "y"})
logger = logging.getLogger(__name__)
# Where azure-functions enters the classes; a release without extensions has none.
_registry: Any = getattr(azure.functions, "ExtensionMeta", None)


class InvocationHooks:
    """The hooks around the calls of one function."""

    def __init__(self, function: str) -> None:
        self._function = function

    def run_before(self, context: Any, arguments: dict[str, Any]) -> None:
        """Run the hooks before a call; they may change its arguments."""
        self._run("pre_invocation_app_level", context, arguments)
        self._run("pre_invocation", context, arguments)

    def run_after(self, context: Any, arguments: dict[str, Any], returned: Any) -> None:
        """Run the hooks behind a call that ended well."""
        self._run("post_invocation", context, arguments, returned)
        self._run("post_invocation_app_level", context, arguments, returned)

    def _run(self, name: str, *values: Any) -> None:
        # Looked up each time: an extension may be imported by the first call.
        for hook in _hooks(self._function, name):
            _run_hook(hook, name, _logger(hook), *values)


def invocation_hooks(function: str) -> InvocationHooks | None:
    """What runs around the calls of a function; None where extensions are switched off."""
    return InvocationHooks(function) if _is_enabled() else None


def run_load_hooks(functions: Sequence[str], app_dir: Path) -> None:
    """Tell the extensions of each function that was loaded, and the log of those never called."""
    for warning in _warnings(functions):
        logger.warning(warning)
    if not _is_enabled():
        return
    for function in functions:
        for name in ("post_function_load", "post_function_load_app_level"):
            for hook in _hooks(function, name):
                _run_hook(hook, name, function, str(app_dir))


def _is_enabled() -> bool:
    return _registry is not None and _is_set() and sys.version_info < _HOOKLESS


def _is_set() -> bool:
    return os.environ.get(SETTING, "").strip().lower() in _TRUE


def _hooks(function: str, name: str) -> Iterable[Any]:
    for hooks in (_registry.get_function_hooks(function), _registry.get_application_hooks()):
        yield from getattr(hooks, name, None) or ()


def _run_hook(hook: Any, name: str, *values: Any) -> None:
    try:
        hook.ext_impl(*values)
    except Exception:  # noqa: BLE001  an extension's fault costs no call its answer
        _logger(hook).exception("%s of %s failed", name, hook.ext_name)


def _logger(hook: Any) -> logging.Logger:
    return logging.getLogger(f"azure_functions_worker.extension.{hook.ext_name}")


def _warnings(functions: Sequence[str]) -> Iterable[str]:
    if _registry is None:
        return
    registered = json.loads(_registry.get_registered_extensions_json())
    for_all, by_name = registered.get("AppExtension", []), registered.get("FuncExtension", {})
    if not _is_enabled():
        names = [*for_all, *(one for found in by_name.values() for one in found)]
        if names:
            yield f"Worker extensions are not run, as in Azure: {', '.join(names)}. {_remedy()}"
        return
    known = {function.lower() for function in functions}
    for trigger in by_name:
        if trigger.lower() not in known:
            yield (
                f"The worker extension {', '.join(by_name[trigger])} is never called, as in Azure: "
                f"it was made with a path that begins with '{trigger}', and no function has that "
                "name. Use azure.functions.AppExtensionBase, or a folder called as the function."
            )


def _remedy() -> str:
    if sys.version_info < _HOOKLESS:
        return f"Set {SETTING}=1 to have their hooks called."
    return (
        f"From Python 3.13 on its worker calls no hooks, whatever {SETTING} says; on 3.12 and "
        "earlier it does."
    )
