"""Every activity that the app registers."""

from activities import (
    begin,
    close_sagas,
    compensate_batch,
    finalize,
    finish,
    lay_out,
    merge_partials,
    open_sagas,
    plan_compensation,
    process_batch,
    record_saga,
    saga_step,
    scan,
    settle,
    start_in_turn,
    steering,
    write_results,
)

MAP = (begin, scan, steering, process_batch, settle, plan_compensation, compensate_batch)
SAGAS = (open_sagas, saga_step, record_saga, close_sagas)
FAN_IN = (lay_out, write_results, merge_partials, finalize)
AROUND_A_RUN = (start_in_turn, finish)
ACTIVITIES = (*MAP, *SAGAS, *FAN_IN, *AROUND_A_RUN)
