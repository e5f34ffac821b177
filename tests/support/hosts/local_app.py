"""The real orchestrators and activities of Fanout, over blobs and rows in memory."""

import azure.durable_functions as df

from activities.batches.compensate_batch import compensate
from activities.batches.process_batch import process
from activities.batches.steer import steer_shard
from activities.endings.finish import close_attempt, finish_attempt
from activities.endings.settle import settle_run
from activities.planning.begin import admit_and_plan
from activities.planning.plan_compensation import plan_undo_once
from activities.planning.scan import scan_range
from activities.results.finalize import finalize_run
from activities.results.lay_out import lay_out_run
from activities.results.merge_partials import merge_level
from activities.results.write_results import write_range
from activities.sagas.close_sagas import close_batch
from activities.sagas.find_undo import find_undo_of
from activities.sagas.run_sagas import run_batch
from activities.sagas.saga_files import write_record
from activities.sagas.saga_step import try_step
from fanout.adapters.rows.rows import Rows
from fanout.adapters.run_files.files import RunFiles
from fanout.adapters.settings import DEFAULT_MAX_RESULT_FILE_BYTES
from fanout.messages.batches import BatchRef, ProcessAsk
from fanout.messages.beginning import BeginAsk
from fanout.messages.ending import FinishAsk, FinishResult, SettleAsk
from fanout.messages.fan_in import FinalizeAsk, LayOutAsk, MergeRef, RangeRef
from fanout.messages.payloads import dump
from fanout.messages.planning import ScanRef
from fanout.messages.run import RunRef
from fanout.messages.sagas import FindUndoAsk, SagaRecord, StepCall
from fanout.messages.shards import ShardAsk
from fanout.messages.tickets import answer_ask
from fanout.naming import functions
from orchestrators import fan_in, run, saga, shard


def local_app(files: RunFiles, rows: Rows) -> df.DFApp:
    """Make an app whose activities do what the product's do, to these files and rows."""
    app = df.DFApp()
    for blueprint in (run.bp, shard.bp, saga.bp, fan_in.bp):
        app.register_functions(blueprint)
    _register_steering(app, files, rows)
    _register_work(app, files, rows)
    _register_fan_in(app, files)
    _register_sagas(app, files, rows)
    return app


def _register_steering(app: df.DFApp, files: RunFiles, rows: Rows) -> None:
    @app.activity_trigger(input_name="asked", activity=functions.BEGIN)
    def begin(asked):
        return answer_ask(asked, dump(admit_and_plan(BeginAsk.model_validate(asked), files, rows)))

    @app.activity_trigger(input_name="asked", activity=functions.STEER)
    def steer(asked):
        return answer_ask(asked, dump(steer_shard(ShardAsk.model_validate(asked), rows)))

    @app.activity_trigger(input_name="asked", activity=functions.SETTLE)
    def settle(asked):
        found = SettleAsk.model_validate(asked)
        return answer_ask(
            asked, dump(settle_run(found, files, rows, DEFAULT_MAX_RESULT_FILE_BYTES))
        )

    @app.activity_trigger(input_name="ending", activity=functions.FINISH)
    def finish(ending):
        found = FinishAsk.model_validate(ending)
        written = finish_attempt(found, rows)  # as without Service Bus
        if written is not None:
            close_attempt(written, rows)
        return answer_ask(ending, dump(FinishResult(end=(written or found).end)))


def _register_work(app: df.DFApp, files: RunFiles, rows: Rows) -> None:
    @app.activity_trigger(input_name="ref", activity=functions.SCAN)
    def scan(ref):
        return answer_ask(ref, dump(scan_range(ScanRef.model_validate(ref), files)))

    @app.activity_trigger(input_name="ref", activity=functions.PROCESS_BATCH)
    def process_batch(ref):
        return answer_ask(ref, dump(process(ProcessAsk.model_validate(ref), files, rows)))

    @app.activity_trigger(input_name="ref", activity=functions.PLAN_COMPENSATION)
    def plan_compensation(ref):
        return answer_ask(ref, dump(plan_undo_once(RunRef.model_validate(ref), files, rows)))

    @app.activity_trigger(input_name="ref", activity=functions.COMPENSATE_BATCH)
    def compensate_batch(ref):
        return answer_ask(ref, dump(compensate(BatchRef.model_validate(ref), files, rows)))


def _register_fan_in(app: df.DFApp, files: RunFiles) -> None:
    @app.activity_trigger(input_name="ref", activity=functions.FINALIZE)
    def finalize(ref):
        return answer_ask(ref, dump(finalize_run(FinalizeAsk.model_validate(ref), files)))

    @app.activity_trigger(input_name="ref", activity=functions.LAY_OUT)
    def lay_out(ref):
        found = LayOutAsk.model_validate(ref)
        return answer_ask(ref, dump(lay_out_run(found, files, DEFAULT_MAX_RESULT_FILE_BYTES)))

    @app.activity_trigger(input_name="ref", activity=functions.WRITE_RESULTS)
    def write_results(ref):
        found = RangeRef.model_validate(ref)
        return answer_ask(ref, dump(write_range(found, files, DEFAULT_MAX_RESULT_FILE_BYTES)))

    @app.activity_trigger(input_name="ref", activity=functions.MERGE_PARTIALS)
    def merge_partials(ref):
        return answer_ask(ref, merge_level(MergeRef.model_validate(ref), files))


def _register_sagas(app: df.DFApp, files: RunFiles, rows: Rows) -> None:
    @app.activity_trigger(input_name="ref", activity=functions.RUN_SAGAS)
    def run_sagas(ref):
        return answer_ask(ref, dump(run_batch(BatchRef.model_validate(ref), files, rows)))

    @app.activity_trigger(input_name="call", activity=functions.SAGA_STEP)
    def saga_step(call):
        return answer_ask(call, dump(try_step(StepCall.model_validate(call), files, rows)))

    @app.activity_trigger(input_name="ask", activity=functions.FIND_UNDO)
    def find_undo(ask):
        return answer_ask(ask, dump(find_undo_of(FindUndoAsk.model_validate(ask), files)))

    @app.activity_trigger(input_name="record", activity=functions.RECORD_SAGA)
    def record_saga(record):
        found = SagaRecord.model_validate(record)
        write_record(files, found)
        return answer_ask(record, found.end.status)

    @app.activity_trigger(input_name="ref", activity=functions.CLOSE_SAGAS)
    def close_sagas(ref):
        return answer_ask(ref, dump(close_batch(BatchRef.model_validate(ref), files)))
