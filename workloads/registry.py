"""Every workload that can be run, by name. A new one is a folder here and one line below."""

from typing import Any

from fanout.saga_steps import check_steps
from fanout.workload import SagaWorkload, Workload
from workloads.images import Images
from workloads.notifications import Notifications
from workloads.orders import Orders, Receipts
from workloads.reports import Reports


class UnknownWorkloadError(LookupError):
    """There is no workload of this name; the message lists those there are."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no workload '{name}'; there are: {', '.join(known)}")


_workloads: dict[str, Workload[Any]] = {}


def register(workload: Workload[Any]) -> None:
    """Add a workload.

    Raises:
        ValueError: Another one has its name, or it is a saga whose steps make no sense.
    """
    if workload.name in _workloads:
        raise ValueError(f"there are two workloads called '{workload.name}'")
    if isinstance(workload, SagaWorkload):
        check_steps(workload)
    _workloads[workload.name] = workload


def get(name: str) -> Workload[Any]:
    """Find a workload.

    Raises:
        UnknownWorkloadError: There is none of this name.
    """
    try:
        return _workloads[name]
    except KeyError:
        raise UnknownWorkloadError(name, sorted(_workloads)) from None


def all() -> list[Workload[Any]]:
    """List the workloads by name."""
    return [_workloads[name] for name in sorted(_workloads)]


register(Images())
register(Notifications())
register(Orders())
register(Receipts())
register(Reports())
