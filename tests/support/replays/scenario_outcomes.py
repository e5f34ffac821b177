"""What scenarios came to, in plain JSON: as far as no clock decides it, so two SDKs must agree."""

import re
from typing import Any

from fanout.governor.run_state import GovernorState
from tests.support.replays.scripted_runs import Script

# In which words an engine says that a call has failed, before it says why.
_PREAMBLE = re.compile(
    r"^((The )?(Activity|[Oo]rchestrator) function '\w+' failed: +\"?|\w*(Exception|FanInError): )+"
)
# How many of their batches had begun when a shard heard that too many had failed, is chance.
RACES = {"stopped", "compensated", "resumed-compensating"}
# How many batches go at once, and how long each is, follows from how long batches have taken; and
# in which round a batch is tried again, from when a breaker closed.
TIMED = {"adaptive", "downstream-down", "rate-limited-down"}


def outcome(run_id: str, script: Script, output: Any, state: GovernorState) -> dict[str, Any]:
    """What a scenario came to."""
    known: dict[str, Any] = {
        "outcome": output["outcome"],
        "reason": _reason(output["error"]),
        "phase": state.phase,
        "shards": sorted(state.shards),
        "published": len(script.published),
        "scanned": sorted(set(script.scanned)),
        "ranges": sorted({ref.number for ref in script.written}),
        "merges": sorted({(ref.level, ref.number) for ref in script.merged}),
        "sagas": sorted(_saga_ends(script)),
    }
    if run_id not in RACES:
        known["items"] = state.items.model_dump()
        known["partitions"] = state.partitions.model_dump()
        known["errors"] = sorted(
            (group.type, _reason(group.message), group.count, group.example_item)
            for group in state.errors.values()
        )
    if run_id not in RACES | TIMED:
        known["batches"] = sorted(
            {(ref.partition, ref.first_cut, ref.retry_round) for ref in script.asked}
        )
    if script.undone:
        known["undone"] = sorted({(ref.partition, ref.first_cut) for ref in script.undone})
    return known


def _saga_ends(script: Script) -> list[Any]:
    return [
        [one.saga.index, one.end.status, one.end.tries, sorted(one.end.trace.undone)]
        for one in {record.saga.index: record for record in script.recorded}.values()
    ]


def _reason(text: str | None) -> str | None:
    """Why something failed, without the words of the engine around it."""
    return None if text is None else _PREAMBLE.sub("", text)
