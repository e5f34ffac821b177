"""ScheduleFile: what a file of `schedules/` says."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Run ids are this name and a time; function names are it behind a prefix, and the app setting that
# disables a function has its name, in which Azure allows no hyphen.
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,59}$"

Overlap = Literal["skip", "queue", "allow"]
Task = Literal["sweep"]


class ScheduleFile(BaseModel):
    """When to do what: a run (`request`), or one of the app's own chores (`task`).

    Attributes:
        schedule: Six fields of NCRONTAB, or ``%SETTING%``, the app setting that holds them.
        enabled: Or ``%SETTING%``, which is then true or false; unset is false.
        on_overlap: What to do when it is due and an earlier run of it has not ended: leave this one
            out, begin it after the other, or run both.
        request: A RunRequest without `run_id`; its texts may hold ``{scheduled:yyyy-MM-dd}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME_PATTERN)
    description: str = ""
    schedule: str = Field(min_length=1, max_length=200)
    enabled: bool | str = True
    on_overlap: Overlap = "skip"
    request: dict[str, Any] | None = None
    task: Task | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> "ScheduleFile":
        if (self.request is None) == (self.task is None):
            raise ValueError("it takes either a request or a task")
        return self
