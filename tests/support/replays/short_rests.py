"""What infrastructure needs to come back is nothing in scripted runs."""

from datetime import timedelta

from activities.planning import begin
from fanout.governor import admission
from fanout.sagas import machine as saga_rules
from orchestrators import calling, rounds, saga


def shorten() -> None:
    """Shorten every rest, for as long as this process lives."""
    rounds.FIRST_REPAIR_SECONDS = 0.01
    rounds.UNDO_PATIENCE = timedelta(seconds=0.5)
    saga.FIRST_REPAIR_SECONDS = 0.01
    calling.FIRST_REST_SECONDS = 0.01
    begin.FIRST_NAP_SECONDS = 0.01
    admission.FIRST_WAIT_SECONDS = 0.5
    saga_rules.FIRST_REPAIR_SECONDS = 0.01
