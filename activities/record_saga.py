"""The activity `record_saga`: writes down how the saga of an item ended."""

import azure.durable_functions as df
import azure.functions as func

from activities.sagas import write_record
from fanout import names
from fanout.adapters.runs import files_of
from fanout.adapters.telemetry import logged
from fanout.models.saga import SagaRecord

bp = df.Blueprint()


@bp.activity_trigger(input_name="record", activity=names.RECORD_SAGA)
def record_saga(record: dict, context: func.Context) -> str:
    """Write down how a saga ended; a second time writes the same again."""
    found = SagaRecord.model_validate(record)
    with logged(context, found.batch.run_id):
        write_record(files_of(found.batch), found)
    return found.end.status
