"""The activity `record_saga`: writes down how the saga of an item ended."""

import azure.durable_functions as df
import azure.functions as func

from activities.sagas.saga_files import write_record
from fanout.adapters.run_files.files import files_of, kept_request
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.otel import record_metric
from fanout.adapters.telemetry.spans import trace_activity
from fanout.messages.sagas import SagaRecord
from fanout.messages.tickets import answered
from fanout.naming import functions

bp = df.Blueprint()


@bp.activity_trigger(input_name="record", activity=functions.RECORD_SAGA)
def record_saga(record: dict, context: func.Context) -> dict:
    """Write down how a saga ended; a second time writes the same again."""
    found = SagaRecord.model_validate(record)
    with trace_activity(context, record):
        files = files_of(found.batch)
        write_record(files, found)
        workload = kept_request(files, found.batch.run_id, found.batch.attempt).workload
        record_metric(metrics.ITEM_DURATION, found.duration_ms / 1000, workload=workload)
    return answered(record, found.end.status)
