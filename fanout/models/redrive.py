"""Redrive: what a further attempt of a run is asked to do."""

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.numbers import Name
from fanout.models.request import Concurrency, RetryPolicy, RunRequest, Tolerance


class RedriveRequest(BaseModel):
    """Body of ``POST /api/runs/{run_id}/redrive``, kept as ``attempts/00002.json``.

    Attributes:
        error_types: Which failed items are tried again: those whose error has one of these types.
            None takes all. Pending items are always tried again. Of a run that was compensated it
            is what could not be undone, and nothing else is tried again.
        retry: Replaces the retry policy of the run; None keeps it.
        tolerance: Replaces the tolerance of the run; None keeps it.
        concurrency: Replaces the concurrency of the run; None keeps it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    error_types: list[Name] | None = Field(default=None, min_length=1, max_length=100)
    retry: RetryPolicy | None = None
    tolerance: Tolerance | None = None
    concurrency: Concurrency | None = None

    def apply_to(self, request: RunRequest) -> RunRequest:
        """The run's request as this attempt carries it out."""
        replacements = {
            "retry": self.retry,
            "tolerance": self.tolerance,
            "concurrency": self.concurrency,
        }
        return request.model_copy(update={k: v for k, v in replacements.items() if v is not None})
