"""Notes the engine keeps beside each turn: what its events alone do not tell.

They hold the actions the turn numbered (runs of equal ones folded), how the orchestrator ended if
it did, and which timers it cancelled. With them recovery needs no replay.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from localhost.durable.protocol.actions import Outcome
from localhost.durable.state.tasks import Registration, Retry


@dataclass(slots=True)
class Notes:
    """What one turn did."""

    registrations: list[Registration] = field(default_factory=list)
    outcome: Outcome | None = None
    canceled: list[int] = field(default_factory=list)

    def dump(self) -> str | None:
        """Encode; None where there is nothing to say."""
        body: dict[str, Any] = {}
        if self.registrations:
            body["actions"] = _fold(self.registrations)
        if self.outcome is not None:
            body["outcome"] = [self.outcome.status, self.outcome.text, self.outcome.details]
        if self.canceled:
            body["canceled"] = self.canceled
        return json.dumps(body, separators=(",", ":")) if body else None

    @classmethod
    def load(cls, text: str | None) -> "Notes":
        """Decode what `dump` made."""
        body = json.loads(text) if text else {}
        outcome = body.get("outcome")
        return cls(
            registrations=_unfold(body.get("actions", [])),
            outcome=Outcome(*outcome) if outcome else None,
            canceled=body.get("canceled", []),
        )


def _fold(registrations: Sequence[Registration]) -> list[list[Any]]:
    runs: list[list[Any]] = []
    last: Registration | None = None
    for registration in registrations:
        if registration == last:
            runs[-1][0] += 1
            continue
        last = registration
        retry = registration.retry
        options = [] if retry is None else [retry.interval_ms, retry.max_attempts]
        runs.append([1, *registration.signature, *options])
    return runs


def _unfold(runs: Sequence[Sequence[Any]]) -> list[Registration]:
    registrations: list[Registration] = []
    for count, kind, name, *options in runs:
        registration = Registration((kind, name), Retry(*options) if options else None)
        registrations.extend([registration] * count)
    return registrations
