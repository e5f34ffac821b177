"""The activity `steer`: what a shard may begin next, from the rows of its run and downstream."""

from dataclasses import replace

from fanout.adapters.rows.attempts import read_attempt, write_changes
from fanout.adapters.rows.rows import Rows, rows, tries, unpack_passing
from fanout.adapters.tables import RowConflictError
from fanout.downstream import breaker, rate_limiter
from fanout.downstream.breaker import CircuitAsk, CircuitOrder, CircuitReport, CircuitState
from fanout.downstream.rate_limiter import RateAsk, RateOrder, RateState
from fanout.governor import grants
from fanout.governor.rests import share_out
from fanout.governor.run_state import GovernorState, ShardState
from fanout.messages.shards import ShardAsk, ShardOrder, ShardWork
from fanout.naming import row_keys

_OVER = ShardOrder(action="stop", reason="over")


def steer(ask: ShardAsk) -> ShardOrder:
    """Tell a shard how to go on."""
    return steer_shard(ask, rows())


def steer_shard(ask: ShardAsk, rows: Rows) -> ShardOrder:
    """Count what a shard has done, and say how it is to go on.

    The same question again has the same answer, and changes nothing: that of before got lost, or it
    is asked by an execution that begins anew, just where the one before had come to.
    One that is older than the last is asked by an execution that begins anew: it learns where the
    one before had come to.
    """
    work = ask.work
    for _ in tries():
        known = read_attempt(rows, work.run_id, work.attempt)
        if is_over(known.state, work.claim):
            return _OVER
        shard = known.state.shards.get(work.key)
        if shard is not None and work.call <= shard.call:
            return _repeat_answer(shard, work)
        order, changed = _decide(known.state, ask, rows)
        try:
            write_changes(rows, work.run_id, work.attempt, known, changed)
        except RowConflictError:
            continue
        return order
    raise AssertionError("tries() ends by raising")


def note_ask(state: GovernorState, ask: ShardAsk, rows: Rows) -> GovernorState:
    """The rows of an attempt as they are after a shard has asked; unchanged if they know that."""
    shard = state.shards.get(ask.work.key)
    if shard is not None and ask.work.call <= shard.call:
        return state
    return _decide(state, ask, rows)[1]


def is_over(state: GovernorState, claim: str) -> bool:
    """Tell whether the attempt of a run has ended, or was deleted."""
    return state.is_over or state.run.claim != claim


def _repeat_answer(shard: ShardState, work: ShardWork) -> ShardOrder:
    if shard.work is None or shard.order is None:
        raise ValueError(f"the row of shard {work.key} has an answer and no question")
    if work.call == shard.call and work.position == shard.work.position:
        return shard.order.model_copy(update={"is_repeated": True})
    return ShardOrder(action="resume", work=shard.work)


def _decide(state: GovernorState, ask: ShardAsk, rows: Rows) -> tuple[ShardOrder, GovernorState]:
    work = ask.work
    if ask.rest is not None:
        grant = share_out(state, ask, ask.rest)
        return grant.order, state.with_shard(work.key, grant.shard)
    circuit = _ask_circuit(ask, rows)
    is_probe = circuit.action == "probe"
    postponed = circuit.wait_seconds if circuit.action == "wait" else None
    grant = grants.decide(state, ask, is_probe=is_probe, postponed=postponed)
    order = grant.order
    if order.action == "go":
        booking = _book(ask, order, rows)
        if not booking.is_booked:
            grant = grants.decide(state, ask, postponed=booking.wait_seconds)
        elif booking.wait_seconds > order.wait_seconds:
            order = order.model_copy(update={"wait_seconds": booking.wait_seconds})
            shard = grant.shard.model_copy(update={"order": order})
            grant = replace(grant, order=order, shard=shard)
    if is_probe and grant.order.action != "go":
        _report(ask, rows, CircuitReport(shard=_caller(work), at=ask.at), of_probe=True)
    changed = state.with_shard(work.key, grant.shard)
    return grant.order, changed.model_copy(update={"pace": grant.pace})


def _ask_circuit(ask: ShardAsk, rows: Rows) -> CircuitOrder:
    """Report to the breaker what came of the last round, and ask whether the next may begin."""
    work = ask.work
    if work.downstream is None:
        return CircuitOrder()
    if work.is_probe or work.has_tripped or work.has_answered:
        report = CircuitReport(
            shard=_caller(work),
            at=ask.at,
            has_tripped=work.has_tripped,
            has_answered=work.has_answered,
        )
        _report(ask, rows, report, of_probe=work.is_probe)
    if not ask.is_due or work.is_done:
        return CircuitOrder()
    question = CircuitAsk(shard=_caller(work), at=ask.at)
    return rows.change(
        row_keys.downstream_partition(work.downstream),
        row_keys.BREAKER_ROW,
        CircuitState,
        lambda state: breaker.answer(state, question),
        unpack_passing,
    )


def _report(ask: ShardAsk, rows: Rows, report: CircuitReport, *, of_probe: bool) -> None:
    def rule(state: CircuitState) -> tuple[CircuitState, None]:
        # Asked again after the answer to probe, it reports calls before that.
        is_older = state.prober == report.shard and not of_probe
        return state if is_older else breaker.note_report(state, report), None

    partition = row_keys.downstream_partition(str(ask.work.downstream))
    rows.change(partition, row_keys.BREAKER_ROW, CircuitState, rule, unpack_passing)


def _book(ask: ShardAsk, order: ShardOrder, rows: Rows) -> RateOrder:
    """Book the items of a wave or round at the downstream; without a rate there is no wait."""
    work = ask.work
    if work.downstream is None or work.downstream_rate is None:
        return RateOrder()
    question = RateAsk(
        caller=_caller(work),
        call=work.call,
        items=_items(work, order),
        per_second=work.downstream_rate,
        at=ask.at,
    )
    return rows.change(
        row_keys.downstream_partition(work.downstream),
        row_keys.RATE_ROW,
        RateState,
        lambda state: rate_limiter.book(state, question),
        unpack_passing,
    )


def _items(work: ShardWork, order: ShardOrder) -> float:
    if order.is_probe:
        return 1
    return work.retrying.items if work.retrying else order.cuts * work.items_per_cut


def _caller(work: ShardWork) -> str:
    return f"{work.instance}:{work.key}"
