"""What infrastructure needs to come back is nothing: set for a whole process, before its runs."""

from datetime import timedelta

from activities.planning import begin
from fanout.governor import admission
from fanout.sagas import machine as saga_rules
from orchestrators import calling, rounds, saga


def make_repairs_brief() -> None:
    """Let nobody wait for what is back at once."""
    rounds.FIRST_REPAIR_SECONDS = 0.01
    rounds.UNDO_PATIENCE = timedelta(seconds=0.5)
    saga.FIRST_REPAIR_SECONDS = 0.01
    calling.FIRST_REST_SECONDS = 0.01
    begin.FIRST_NAP_SECONDS = 0.01
    admission.FIRST_WAIT_SECONDS = 0.5
    saga_rules.FIRST_REPAIR_SECONDS = 0.01
