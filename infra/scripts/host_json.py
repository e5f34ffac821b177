"""The host.json of a deployment.

The scale controller reads this file and no app setting: the backend and how much an instance takes
at once must stand in it, or the app stays at its always-ready instances.
"""

import copy
from typing import Any

# In this form the host hands it to the scale controller. Nothing of Azure Storage's stays in it.
SCHEDULER = {
    "type": "azureManaged",
    "connectionStringName": "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
}
BACKENDS = ("AzureStorage", "DurableTaskScheduler")


def host_json(host: dict[str, Any], backend: str, activities: int, orchestrators: int) -> Any:
    """Change a host.json for a backend and for limits.

    Args:
        host: As it is in the repository.
        backend: One of `BACKENDS`.
        activities: How many an instance takes at once; 0 leaves what is there.
        orchestrators: The same of orchestrators.

    Raises:
        ValueError: There is no such backend.
    """
    if backend not in BACKENDS:
        raise ValueError(f"FANOUT_DURABLE_BACKEND is one of {', '.join(BACKENDS)}, not {backend!r}")
    changed = copy.deepcopy(host)
    durable = changed["extensions"]["durableTask"]
    if backend == "DurableTaskScheduler":
        durable["storageProvider"] = dict(SCHEDULER)
    if activities:
        durable["maxConcurrentActivityFunctions"] = activities
    if orchestrators:
        durable["maxConcurrentOrchestratorFunctions"] = orchestrators
    return changed
