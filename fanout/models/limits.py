"""The limits of a run that can be changed while it goes on."""

from pydantic import BaseModel, ConfigDict, Field

from fanout.models.numbers import Rate
from fanout.models.request import MAX_BATCHES_AT_ONCE, Concurrency, Tolerance


class Limits(BaseModel):
    """What a run may have in flight, how fast it may go, and how many failures it accepts.

    Attributes:
        batches_in_flight: Over all shards, at most. In JSON it is `batches`, as in the request.
        items_per_second: How many items may begin a second; None sets no limit.
        tolerance: How many failures the run accepts.
    """

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    batches_in_flight: int = Field(
        default=1, validation_alias="batches", serialization_alias="batches"
    )
    items_per_second: float | None = None
    tolerance: Tolerance = Tolerance()

    @classmethod
    def of(cls, concurrency: Concurrency, tolerance: Tolerance) -> "Limits":
        """The limits that a request asks for."""
        return cls(
            batches_in_flight=concurrency.batches,
            items_per_second=concurrency.items_per_second,
            tolerance=tolerance,
        )

    def at_most(self, items_per_second: float | None) -> "Limits":
        """These limits, no faster than a rate; None leaves them as they are."""
        if items_per_second is None:
            return self
        slowest = min(items_per_second, self.items_per_second or items_per_second)
        return self.model_copy(update={"items_per_second": slowest})


class ConcurrencyChange(BaseModel):
    """New concurrency; what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batches: int | None = Field(default=None, ge=1, le=MAX_BATCHES_AT_ONCE)
    items_per_second: Rate | None = None


class LimitsChange(BaseModel):
    """Body of ``PATCH /api/runs/{run_id}``: what is not named stays as it is.

    ``"items_per_second": null`` takes the rate limit away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: ConcurrencyChange | None = None
    tolerance: Tolerance | None = None

    def merge(self, later: "LimitsChange") -> "LimitsChange":
        """This change and a later one, as one."""
        fields = self.model_dump(exclude_unset=True)
        for name, value in later.model_dump(exclude_unset=True).items():
            if name == "concurrency" and value is not None:
                fields[name] = {**(fields.get(name) or {}), **value}
            elif value is not None:
                fields[name] = value
        return LimitsChange.model_validate(fields)

    def apply_to(self, limits: Limits) -> Limits:
        """The limits after this change."""
        update: dict[str, object] = {}
        if self.concurrency is not None:
            update |= self.concurrency.model_dump(exclude_unset=True)
            batches = update.pop("batches", None)
            if batches is not None:
                update["batches_in_flight"] = batches
        if self.tolerance is not None:
            update["tolerance"] = self.tolerance
        return limits.model_copy(update=update)
