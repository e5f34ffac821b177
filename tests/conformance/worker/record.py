"""Asks the Functions worker of Azure which functions it takes, and writes its answers down.

    python -m tests.conformance.worker.record FOLDER

FOLDER holds the source of the worker (Azure/azure-functions-python-worker), 4.34.0. Its messages to
the host need not be generated: nothing is sent.
"""

import importlib
import json
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from tests.conformance.worker.functions import SCRIPTS, functions

VERDICTS = Path(__file__).with_name("verdicts.json")


def main() -> None:
    """Ask about every function and script, and write the table of what is taken."""
    sys.path.insert(0, sys.argv[1])
    sys.modules["azure_functions_worker.protos"] = _messages()
    bindings, loader, registry = (
        importlib.import_module(f"azure_functions_worker.{name}")
        for name in ("bindings", "loader", "functions")
    )
    bindings.load_binding_registry()

    def index(built: Any) -> None:
        registry.Registry().add_indexed_function(built)
        loader.build_retry_protos(built)

    def load(script: Path) -> None:
        for built in loader.index_function_app(str(script)):
            index(built)

    taken: dict[str, list[str]] = {}
    for place, value, built in functions():
        taken.setdefault(place, [])
        if _is_taken(index, built):
            taken[place].append(value)
    taken["scripts"] = [name for name, text in SCRIPTS.items() if _is_taken(_script(load), text)]
    VERDICTS.write_text(json.dumps(taken, indent=2) + "\n", encoding="utf-8")


def _is_taken(take: Callable[[Any], None], what: Any) -> bool:
    try:
        take(what)
    except Exception:
        return False
    return True


def _script(load: Callable[[Path], None]) -> Callable[[str], None]:
    def take(text: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "function_app.py")
            script.write_text(text, encoding="utf-8")
            sys.path.insert(0, folder)
            try:
                load(script)
            finally:
                sys.path.remove(folder)
                sys.modules.pop("function_app", None)
                importlib.invalidate_caches()

    return take


def _messages() -> types.ModuleType:
    class Messages(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            return MagicMock()

    class BindingInfo:
        undefined, out, inout = 0, 1, 2

    module = Messages("azure_functions_worker.protos")
    module.__path__ = []
    module.BindingInfo = BindingInfo  # type: ignore[attr-defined]
    return module


if __name__ == "__main__":
    main()
