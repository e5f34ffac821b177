"""Every activity that the app registers."""

from activities.batches.compensate_batch import compensate_batch
from activities.batches.process_batch import process_batch
from activities.batches.steer import steer
from activities.endings.finish import finish
from activities.endings.settle import settle
from activities.planning import start_in_turn
from activities.planning.begin import begin
from activities.planning.plan_compensation import plan_compensation
from activities.planning.scan import scan
from activities.results.finalize import finalize
from activities.results.lay_out import lay_out
from activities.results.merge_partials import merge_partials
from activities.results.write_results import write_results
from activities.sagas.close_sagas import close_sagas
from activities.sagas.find_undo import find_undo
from activities.sagas.record_saga import record_saga
from activities.sagas.run_sagas import run_sagas
from activities.sagas.saga_step import saga_step
from activities.shell import Work, make_blueprint
from fanout.naming import functions

ACTIVITIES: dict[str, Work] = {
    functions.BEGIN: begin,
    functions.SCAN: scan,
    functions.STEER: steer,
    functions.PROCESS_BATCH: process_batch,
    functions.SETTLE: settle,
    functions.PLAN_COMPENSATION: plan_compensation,
    functions.COMPENSATE_BATCH: compensate_batch,
    functions.RUN_SAGAS: run_sagas,
    functions.SAGA_STEP: saga_step,
    functions.FIND_UNDO: find_undo,
    functions.RECORD_SAGA: record_saga,
    functions.CLOSE_SAGAS: close_sagas,
    functions.LAY_OUT: lay_out,
    functions.WRITE_RESULTS: write_results,
    functions.MERGE_PARTIALS: merge_partials,
    functions.FINALIZE: finalize,
    functions.FINISH: finish,
}
# One needs a Durable client, and so a function of its own.
BLUEPRINTS = (make_blueprint(ACTIVITIES), start_in_turn.bp)
