"""The name of every registered function: they share one namespace, so they are listed once."""

# starters
START_RUN = "start_run"
GET_RUN = "get_run"
LIST_RUNS = "list_runs"
REBUILD_INDEX = "rebuild_index"
LIST_ITEMS = "list_items"
GET_REQUEST = "get_request"
GET_TIMELINE = "get_timeline"
LIST_SCHEDULES = "list_schedules"
CANCEL_RUN = "cancel_run"
SUSPEND_RUN = "suspend_run"
RESUME_RUN = "resume_run"
CHANGE_RUN = "change_run"
DELETE_RUN = "delete_run"
WATCHDOG = "watchdog"
REDRIVE_RUN = "redrive_run"
GET_RESULTS = "get_results"
GET_RESULT_FILE = "get_result_file"
LIST_WORKLOADS = "list_workloads"
GET_WORKLOAD = "get_workload"
GET_HEALTH = "get_health"
GET_OPENAPI = "get_openapi"
GET_DIAGNOSIS = "get_diagnosis"
START_RUNS = "start_runs"
START_RUN_OVER_BLOB = "start_run_over_blob"

# dashboard
DASHBOARD = "dashboard"

# orchestrators
RUN = "run"
SHARD = "shard"
FAN_IN = "fan_in"
QUEUED_RUN = "queued_run"
SAGA_BATCH = "saga_batch"
SAGA = "saga"

# activities
BEGIN = "begin"
STEER = "steer"
SETTLE = "settle"
SCAN = "scan"
PLAN_COMPENSATION = "plan_compensation"
PROCESS_BATCH = "process_batch"
COMPENSATE_BATCH = "compensate_batch"
RUN_SAGAS = "run_sagas"
SAGA_STEP = "saga_step"
FIND_UNDO = "find_undo"
RECORD_SAGA = "record_saga"
CLOSE_SAGAS = "close_sagas"
LAY_OUT = "lay_out"
WRITE_RESULTS = "write_results"
MERGE_PARTIALS = "merge_partials"
FINALIZE = "finalize"
FINISH = "finish"
START_IN_TURN = "start_in_turn"

ALL = frozenset(
    value for name, value in list(globals().items()) if name.isupper() and isinstance(value, str)
)

# What a failure says of a function or workload that this instance of the app does not have, and a
# newer one may: the host's words and those of `workloads.registry`.
NOT_HERE = ("doesn't exist, is disabled, or is not a", "UnknownWorkloadError")
# What an activity says that failed since storage, or whatever else it stands on, does not serve it.
AWAY = "storage does not answer"

# Registered only where what triggers them is configured.
WHEN_CONFIGURED = frozenset({START_RUNS, START_RUN_OVER_BLOB})


def schedule_function(name: str) -> str:
    """The name of the timer function that the schedule of this name becomes."""
    return f"schedule_{name}"
