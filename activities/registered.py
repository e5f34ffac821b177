"""Every activity that the app registers."""

from activities import (
    close_sagas,
    compensate_batch,
    finalize,
    find_earlier_runs,
    lay_out,
    merge_partials,
    open_sagas,
    plan,
    plan_compensation,
    process_batch,
    publish,
    record_saga,
    saga_step,
    scan,
    write_results,
)

MAP = (plan, scan, process_batch, plan_compensation, compensate_batch)
SAGAS = (open_sagas, saga_step, record_saga, close_sagas)
FAN_IN = (lay_out, write_results, merge_partials, finalize)
AROUND_A_RUN = (find_earlier_runs, publish)
ACTIVITIES = (*MAP, *SAGAS, *FAN_IN, *AROUND_A_RUN)
