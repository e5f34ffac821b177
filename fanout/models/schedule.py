"""ScheduleFile: what a file of `schedules/` says."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fanout.models.numbers import Name

# Run ids are this name and a time; function names are it behind a prefix, and the app setting that
# disables a function has its name, in which Azure allows no hyphen.
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,59}$"

Overlap = Literal["skip", "queue", "allow"]
Task = Literal["sweep"]


class ScheduleFile(BaseModel):
    """When to start a run (`request`), or to do one of the app's own chores (`task`).

    Attributes:
        name: The name of the schedule; the ids of its runs begin with it.
        schedule: Six fields of NCRONTAB; or ``%SETTING%``, an app setting that holds them.
        enabled: Whether it is in force; or ``%SETTING%``, an app setting that is true or false. A
            setting that is not set counts as false.
        on_overlap: What to do when it is due and its last run has not ended: ``skip`` this time,
            ``queue`` the new run until the other has ended, or ``allow`` both.
        request: A RunRequest without `run_id`; its texts may hold ``{scheduled:yyyy-MM-dd}``.
        task: Which chore: ``sweep`` deletes old runs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME_PATTERN)
    description: Name = ""
    schedule: str = Field(min_length=1, max_length=200)
    enabled: bool | Name = True
    on_overlap: Overlap = "skip"
    request: dict[str, Any] | None = None
    task: Task | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> "ScheduleFile":
        if (self.request is None) == (self.task is None):
            raise ValueError("it takes either a request or a task")
        return self
