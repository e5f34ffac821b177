"""Every activity that the app registers."""

from activities.batches import compensate_batch, process_batch, steer
from activities.endings import finish, settle
from activities.planning import begin, plan_compensation, scan, start_in_turn
from activities.results import finalize, lay_out, merge_partials, write_results
from activities.sagas import close_sagas, open_sagas, record_saga, saga_step

MAP = (begin, scan, steer, process_batch, settle, plan_compensation, compensate_batch)
SAGAS = (open_sagas, saga_step, record_saga, close_sagas)
FAN_IN = (lay_out, write_results, merge_partials, finalize)
AROUND_A_RUN = (start_in_turn, finish)
ACTIVITIES = (*MAP, *SAGAS, *FAN_IN, *AROUND_A_RUN)
