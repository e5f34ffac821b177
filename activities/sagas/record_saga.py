"""The activity `record_saga`: writes down how the saga of an item ended."""

from activities.sagas.saga_files import write_record
from fanout.adapters.run_files.files import files_of, kept_request
from fanout.adapters.telemetry import metrics
from fanout.adapters.telemetry.otel import record_metric
from fanout.messages.sagas import SagaRecord


def record_saga(record: SagaRecord) -> None:
    """Write down how a saga ended; a second time writes the same again."""
    files = files_of(record.batch)
    write_record(files, record)
    workload = kept_request(files, record.batch.run_id, record.batch.attempt).workload
    record_metric(metrics.ITEM_DURATION, record.duration_ms / 1000, workload=workload)
