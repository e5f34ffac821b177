"""Where the sagas of a batch are: each one's state, as the log of the batch has it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from fanout.messages.batches import BatchRef
from fanout.messages.sagas import KeptSaga, SagaItem, SagaWave, StepCall, StepNote, StepPlan
from fanout.sagas.machine import Call, Move, Saga


class SagaCourses:
    """The sagas of a batch that are under way or over."""

    def __init__(self, ref: BatchRef, steps: list[StepPlan], items: Sequence[SagaItem]) -> None:
        self._ref = ref
        self._starts = {item.index: item.start for item in items}
        self._sagas = {
            item.index: Saga(
                steps,
                ref.run_id,
                item.index,
                item.take,
                undo=item.undo,
                has_begun=item.has_begun,
            )
            for item in items
        }
        self._began_ms = 0
        self._ended_ms: dict[int, int] = {}

    def follow(self, waves: Iterable[SagaWave]) -> None:
        """Take note of the entries of the log, in order."""
        for wave in waves:
            if not wave.notes and not wave.is_last:
                self._began_ms = wave.at_ms
            for index, notes in _by_saga(wave.notes).items():
                if index in self._sagas:
                    self._note(index, _moment(wave.at_ms), notes)

    def _note(self, index: int, at: datetime, notes: list[StepNote]) -> None:
        self._sagas[index].note(at, [(_call(note), note.result) for note in notes])
        self._ended_ms[index] = max(note.result.ended_ms for note in notes)

    def calls(self, at_ms: int) -> list[StepCall]:
        """The steps that may begin now."""
        now = _moment(at_ms)
        return [
            self._step_call(index, call)
            for index, saga in self._sagas.items()
            for call in saga.move(now).calls
        ]

    def ends(self) -> dict[int, KeptSaga]:
        """How those ended that are over, by index."""
        return {
            index: KeptSaga(
                attempt=self._ref.attempt, end=saga.end(), duration_ms=self._duration_ms(index)
            )
            for index, saga in self._sagas.items()
            if saga.move(datetime.max.replace(tzinfo=UTC)) == Move()
        }

    def _duration_ms(self, index: int) -> float:
        return float(self._ended_ms.get(index, self._began_ms) - self._began_ms)

    def _step_call(self, index: int, call: Call) -> StepCall:
        return StepCall(
            batch=self._ref,
            saga=self._starts[index],
            step=call.step,
            mode=call.mode,
            try_number=call.try_number,
            outputs=self._sagas[index].outputs(call),
            is_doubtful=call.is_doubtful,
        )


def _by_saga(notes: Iterable[StepNote]) -> dict[int, list[StepNote]]:
    found: dict[int, list[StepNote]] = {}
    for note in notes:
        found.setdefault(note.index, []).append(note)
    return found


def _call(note: StepNote) -> Call:
    return Call(note.step, note.mode, note.try_number)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
