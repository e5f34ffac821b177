"""The activity `steer`: what a shard may begin next, from the rows of its run and downstream."""

import azure.durable_functions as df
import azure.functions as func

from fanout.adapters.rows.attempts import read_attempt, write_changes
from fanout.adapters.rows.rows import Rows, rows, tries
from fanout.adapters.tables import RowConflictError
from fanout.adapters.telemetry.spans import trace_activity
from fanout.downstream import breaker, rate_limiter
from fanout.downstream.breaker import CircuitAsk, CircuitOrder, CircuitReport, CircuitState
from fanout.downstream.rate_limiter import RateAsk, RateOrder, RateState
from fanout.governor import grants
from fanout.governor.run_state import GovernorState, ShardState
from fanout.messages.payloads import dump
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.messages.tickets import answered
from fanout.naming import functions, row_keys

bp = df.Blueprint()
_OVER = ShardOrder(action="stop", reason="over")


@bp.activity_trigger(input_name="asked", activity=functions.STEER)
def steer(asked: dict, context: func.Context) -> dict:
    """Tell a shard how to go on; shell around `steer_shard`."""
    with trace_activity(context, asked["work"]):
        return answered(asked, dump(steer_shard(ShardAsk.model_validate(asked), rows())))


def steer_shard(asked: ShardAsk, to: Rows) -> ShardOrder:
    """Count what a shard has done, and say how it is to go on.

    The same question again has the same answer, and changes nothing: that of before got lost, or it
    is asked by an execution that begins anew, just where the one before had come to.
    One that is older than the last is asked by an execution that begins anew: it is told where the
    one before had come to.
    """
    work = asked.work
    for _ in tries():
        known = read_attempt(to, work.run_id, work.attempt)
        if is_over(known.state, work.claim):
            return _OVER
        shard = known.state.shards.get(work.key)
        if shard is not None and work.call <= shard.call:
            return _answered_before(shard, work)
        order, changed = _decided(known.state, asked, to)
        try:
            write_changes(to, work.run_id, work.attempt, known, changed)
        except RowConflictError:
            continue
        return order
    raise AssertionError("tries() ends by raising")


def is_over(state: GovernorState, claim: str) -> bool:
    """Tell whether the attempt of a run has ended, or was deleted."""
    return state.is_over or state.run.claim != claim


def _answered_before(shard: ShardState, work: ShardWork) -> ShardOrder:
    if shard.work is None or shard.order is None:
        raise ValueError(f"the row of shard {work.key} has an answer and no question")
    if work.call == shard.call and work.position == shard.work.position:
        return shard.order.model_copy(update={"is_repeated": True})
    return ShardOrder(action="resume", work=shard.work)


def _decided(state: GovernorState, asked: ShardAsk, to: Rows) -> tuple[ShardOrder, GovernorState]:
    work = asked.work
    circuit = _circuit(asked, to)
    is_probe = circuit.action == "probe"
    postponed = circuit.wait_seconds if circuit.action == "wait" else None
    found = grants.decide(state, asked, is_probe=is_probe, postponed=postponed)
    order = found.order
    if order.action == "go":
        booking = _booked(asked, order, to)
        if not booking.is_booked:
            found = grants.decide(state, asked, postponed=booking.wait_seconds)
        elif booking.wait_seconds > order.wait_seconds:
            order = order.model_copy(update={"wait_seconds": booking.wait_seconds})
            shard = found.shard.model_copy(update={"order": order})
            found = grants.Grant(order, shard, found.pace)
    if is_probe and found.order.action != "go":
        _tell(asked, to, CircuitReport(shard=_caller(work), at=asked.at), of_probe=True)
    changed = state.with_shard(work.key, found.shard)
    return found.order, changed.model_copy(update={"pace": found.pace})


def _circuit(asked: ShardAsk, to: Rows) -> CircuitOrder:
    """Tell the breaker what came of the last round, and ask whether the next may begin."""
    work = asked.work
    if work.downstream is None:
        return CircuitOrder()
    if work.is_probe or work.has_tripped or work.has_answered:
        report = CircuitReport(
            shard=_caller(work),
            at=asked.at,
            has_tripped=work.has_tripped,
            has_answered=work.has_answered,
        )
        _tell(asked, to, report, of_probe=work.is_probe)
    if not asked.is_due or work.is_done:
        return CircuitOrder()
    question = CircuitAsk(shard=_caller(work), at=asked.at)
    return to.change(
        row_keys.downstream_partition(work.downstream),
        row_keys.BREAKER_ROW,
        CircuitState,
        lambda state: breaker.answer(state, question),
    )


def _tell(asked: ShardAsk, to: Rows, report: CircuitReport, *, of_probe: bool) -> None:
    def rule(state: CircuitState) -> tuple[CircuitState, None]:
        # Asked again after it was told to probe, it tells of calls before that.
        is_older = state.prober == report.shard and not of_probe
        return state if is_older else breaker.note_report(state, report), None

    partition = row_keys.downstream_partition(str(asked.work.downstream))
    to.change(partition, row_keys.BREAKER_ROW, CircuitState, rule)


def _booked(asked: ShardAsk, order: ShardOrder, to: Rows) -> RateOrder:
    """Book the items of a wave or round at the downstream; without a rate there is no wait."""
    work = asked.work
    if work.downstream is None or work.downstream_rate is None:
        return RateOrder()
    question = RateAsk(
        caller=_caller(work),
        call=work.call,
        items=_items(work, order),
        per_second=work.downstream_rate,
        at=asked.at,
    )
    return to.change(
        row_keys.downstream_partition(work.downstream),
        row_keys.RATE_ROW,
        RateState,
        lambda state: rate_limiter.book(state, question),
    )


def _items(work: ShardWork, order: ShardOrder) -> float:
    if order.is_probe:
        return 1
    return work.retrying.items if work.retrying else order.cuts * work.batch_items


def _caller(work: ShardWork) -> str:
    return f"{work.instance}:{work.key}"
