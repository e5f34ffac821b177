"""What the model takes from publications, from measurements and, named as such, from guesses.

None of these was measured in Azure by us. Targets of storage are "achievable, high-end": who shares
an account with others gets less.
"""

from dataclasses import dataclass

_LEARN = "https://learn.microsoft.com/azure"
_QUEUES = f"{_LEARN}/storage/queues/scalability-targets"
_TABLES = f"{_LEARN}/storage/tables/scalability-targets"
_BLOBS = f"{_LEARN}/storage/common/scalability-targets-standard-account"
_PROVIDER = f"{_LEARN}/azure-functions/durable/durable-functions-azure-storage-provider"
_FLEX = f"{_LEARN}/azure-functions/flex-consumption-plan"
_SCALING = f"{_LEARN}/azure-functions/functions-target-based-scaling"
_SCHEDULER = (
    f"{_LEARN}/azure-functions/durable/durable-task-scheduler/durable-task-scheduler-dedicated-sku"
)
_SCHEDULER_SPEED = f"{_LEARN}/azure-functions/durable/durable-task-scheduler/durable-task-scheduler"
_ENGINE = "measured: Microsoft's extension 3.19 on Azurite, two cores"
_HERE = "measured: the embedded host, two cores (docs/benchmarks.md)"
_GUESS = "a guess: neither published nor measured"


@dataclass(frozen=True)
class Fact:
    """A figure and where it is from."""

    name: str
    value: float
    unit: str
    source: str


QUEUE = Fact("one queue", 2_000, "messages/s", _QUEUES)
HUB_ACCOUNT = Fact("queues and tables of an account", 20_000, "operations/s", _QUEUES)
TABLE_PARTITION = Fact("one partition of a table", 2_000, "rows/s", _TABLES)
BLOB_ACCOUNT = Fact("blobs of an account", 20_000, "operations/s", _BLOBS)
FAN_OUT = Fact("activities ordered by one orchestration", 100, "/s", _PROVIDER)
FAN_IN = Fact("answers to one orchestration", 150, "/s", _PROVIDER)
DISPATCH = Fact("messages of a control queue taken at once", 32, "", _PROVIDER)
SCHEDULER_CONSUMPTION = Fact("Scheduler, Consumption", 500, "actions/s", _SCHEDULER)
SCHEDULER_UNIT = Fact("Scheduler, a capacity unit of up to 3", 2_000, "actions/s", _SCHEDULER)
SCALE_STEP = Fact("instances added at once", 4, "", _SCALING)
SCALE_SECONDS = Fact("between two looks of the scale controller", 10, "s", _PROVIDER)
MAX_INSTANCES = Fact("instances of an app", 1_000, "", _FLEX)
QUOTA_CORES = Fact("cores of all Flex apps in a region, until raised", 250, "", _FLEX)
LEAST_BILLED = Fact("least billed of an instance's activity", 1, "s", _FLEX)
COLD_START = Fact("cold start of an instance", 5, "s", _GUESS)
ACTIVITY_SECONDS = Fact("an activity that does nothing, in a row", 0.052, "s", _ENGINE)
CHILD_SECONDS = Fact("a sub-orchestration, in a row", 0.066, "s", _ENGINE)
ACTIVITY_OPERATIONS = Fact("hub operations of an activity", 7.4, "", _ENGINE)
CHILD_OPERATIONS = Fact("hub operations of a sub-orchestration", 10.5, "", _ENGINE)
SCHEDULER_SPEED = Fact("Scheduler's step over Azure Storage's", 0.2, "", _SCHEDULER_SPEED)
ANSWERS_A_TURN = Fact("answers that one turn takes", 4, "", _HERE)
TURN_SECONDS = Fact("a turn of an orchestrator, without replay", 0.002, "s of a core", _GUESS)
REPLAY_SECONDS = Fact("replay of an event, each turn", 36e-6, "s of a core", "measured: SDK 1.7.0")
ITEM_SECONDS = Fact("what Fanout itself takes an item", 20e-6, "s of a core", _HERE)
RESULT_SECONDS = Fact("writing an item's outcome in the fan-in", 3e-6, "s of a core", _GUESS)
SCAN_BYTES = Fact("scanning a blob for its cuts", 100e6, "bytes/s of a core", _GUESS)
BATCH_READS = Fact("blob reads of a batch", 2.5, "", _HERE)
BATCH_WRITES = Fact("blob writes of a batch", 1.0, "", _HERE)
STEER_ROWS = Fact("table operations of a wave", 3, "", _HERE)
RUN_OPERATIONS = Fact("storage operations of the smallest run", 45, "", _HERE)

# List prices in US dollars, East US, as known on 2026-11-29.
_PRICES = "https://azure.microsoft.com/pricing/details"
GB_SECOND = Fact("a GB-second, on demand", 0.000026, "USD", f"{_PRICES}/functions/")
EXECUTION = Fact("an execution", 0.40 / 1e6, "USD", f"{_PRICES}/functions/")
BLOB_WRITE = Fact("a blob write", 0.05 / 1e4, "USD", f"{_PRICES}/storage/blobs/")
BLOB_READ = Fact("a blob read", 0.004 / 1e4, "USD", f"{_PRICES}/storage/blobs/")
HUB_OPERATION = Fact("a table or queue operation", 0.0004 / 1e4, "USD", f"{_PRICES}/storage/")

FACTS = [value for value in globals().values() if isinstance(value, Fact)]
