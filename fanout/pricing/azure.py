"""What a usage costs in Azure, at list prices.

Executions are billed each by itself here. The platform bills an instance for the time in which it
executes anything, so executions side by side on one instance cost less: this is the most they cost.
Sources: https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs,
https://learn.microsoft.com/azure/storage/blobs/map-rest-apis-transaction-categories,
https://learn.microsoft.com/azure/azure-functions/durable/durable-task-scheduler/durable-task-scheduler-billing.
"""

from fanout.models.usage import AzureCost, Usage
from fanout.pricing.billing import LEAST_BILLED_MS
from fanout.pricing.prices import Prices

# The memory of an instance (`instanceMemoryMB`), which is billed whole.
INSTANCE_GB = 2.0
# Operations of queues, tables and leases of the Azure Storage backend, as measured on it.
HUB_OPERATIONS_AN_ACTIVITY = 8
HUB_OPERATIONS_AN_ORCHESTRATION = 11
DOLLAR_DIGITS = 8


def azure_cost(usage: Usage, prices: Prices, instance_gb: float = INSTANCE_GB) -> AzureCost:
    """What a usage costs on Flex Consumption; turns of orchestrators are taken as short."""
    azure = prices.azure
    executions = azure["execution"].of(count_executions(usage))
    compute = azure["gb_second"].of(count_billed_ms(usage) / 1000 * instance_gb)
    storage, hub = storage_cost(usage, prices), task_hub_cost(usage, prices)
    return AzureCost(
        executions=_dollars(executions),
        compute=_dollars(compute),
        storage=_dollars(storage),
        task_hub=_dollars(hub),
        total=_dollars(executions + compute + storage + hub),
        scheduler=_scheduler_cost(usage, prices),
    )


def count_executions(usage: Usage) -> int:
    """Executions that are billed: each message of an orchestration may cost a turn."""
    return usage.activities + usage.messages + usage.starts


def count_billed_ms(usage: Usage) -> int:
    """Billed milliseconds of all executions; a turn and a start take less than the least time."""
    return usage.billed_ms + (usage.messages + usage.starts) * LEAST_BILLED_MS


def storage_cost(usage: Usage, prices: Prices) -> float:
    """What the app's own storage operations cost; to delete is free in Blob storage."""
    azure = prices.azure
    return sum(
        (
            azure["blob_read"].of(usage.blob_reads),
            azure["blob_write"].of(usage.blob_writes),
            azure["blob_list"].of(usage.blob_lists),
            azure["blob_other"].of(usage.blob_other),
            azure["table_operation"].of(usage.table_reads + usage.table_writes),
        )
    )


def task_hub_cost(usage: Usage, prices: Prices) -> float:
    """What the Azure Storage backend costs, polling left out: queues and tables cost the same."""
    return prices.azure["queue_operation"].of(count_hub_operations(usage))


def count_hub_operations(usage: Usage) -> int:
    """Operations of the Azure Storage backend, estimated."""
    activities = HUB_OPERATIONS_AN_ACTIVITY * usage.activities
    return activities + HUB_OPERATIONS_AN_ORCHESTRATION * usage.orchestrations


def count_scheduler_actions(usage: Usage) -> int:
    """Actions that the Durable Task Scheduler bills: what it dispatches to the app."""
    return usage.activities + usage.messages


def _scheduler_cost(usage: Usage, prices: Prices) -> float | None:
    price = prices.azure["scheduler_action"]
    return None if price.usd is None else _dollars(price.of(count_scheduler_actions(usage)))


def _dollars(amount: float) -> float:
    return round(amount, DOLLAR_DIGITS)
