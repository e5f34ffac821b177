"""What the Durable extension says of a schedule's orchestrations, through the SDK's client."""

from typing import Any

from fanout.schedules import run_of, time_of

_UNFINISHED = ("Running", "Pending", "ContinuedAsNew", "Suspended")


async def unfinished_runs(client: Any, schedule: str) -> set[str]:
    """The ids of the runs of a schedule that have not ended, those that wait included.

    Args:
        client: The durable client of the invocation.
        schedule: Its name.
    """
    from azure.durable_functions import OrchestrationRuntimeStatus

    found = await client.get_status_by(
        runtime_status=[OrchestrationRuntimeStatus(status) for status in _UNFINISHED],
        instance_id_prefix=f"{schedule}-",
    )
    runs = {run_of(str(status.instance_id)) for status in found}
    return {run_id for run_id in runs if time_of(schedule, run_id) is not None}
