"""The registry of workloads, by name. A new workload is a module or a folder beside this file.

Every complete workload class that such a module defines or exports is registered; its constructor
is called without arguments. If a module fails to load, so does the app.
"""

from importlib import import_module
from inspect import isabstract
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from fanout.sagas.steps import check_steps
from fanout.workload import SagaWorkload, Workload


class UnknownWorkloadError(LookupError):
    """There is no workload of this name; the message lists the names that exist."""

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(f"there is no workload '{name}'; there are: {', '.join(names)}")


_workloads: dict[str, Workload[Any]] = {}


def register(workload: Workload[Any]) -> None:
    """Add a workload.

    Raises:
        ValueError: Another workload has its name, or it is a saga with invalid steps.
    """
    if workload.name in _workloads:
        raise ValueError(f"there are two workloads called '{workload.name}'")
    if isinstance(workload, SagaWorkload):
        check_steps(workload)
    _workloads[workload.name] = workload


def get(name: str) -> Workload[Any]:
    """Find a workload.

    Raises:
        UnknownWorkloadError: There is no workload of this name.
    """
    try:
        return _workloads[name]
    except KeyError:
        raise UnknownWorkloadError(name, sorted(_workloads)) from None


def all() -> list[Workload[Any]]:
    """List the workloads by name."""
    return [_workloads[name] for name in sorted(_workloads)]


def _register_all() -> None:
    """Register the workloads that the modules beside this one define or export."""
    for info in iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        if info.name == __name__:
            continue
        module = import_module(info.name)
        for value in vars(module).values():
            if _is_workload_of(module.__name__, value):
                register(value())


def _is_workload_of(module_name: str, value: Any) -> bool:
    """Whether a value is a complete workload that the module or a submodule of it defines."""
    if not isinstance(value, type) or not issubclass(value, Workload) or isabstract(value):
        return False
    return f"{value.__module__}.".startswith(f"{module_name}.")


_register_all()
