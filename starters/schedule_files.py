"""The folder `schedules/`: each file is read and refused when the app is loaded, not when due."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError
from pydantic_core import from_json

from fanout.errors import FieldProblem
from fanout.models.request import RunRequest
from fanout.models.schedule import ScheduleFile
from fanout.schedules import Schedule, ScheduleError, check_cron
from starters.api.problems import ROOT, field_problems
from starters.lifecycle.begin import NOBODY_ASKS
from workloads import registry

ZONE = "WEBSITE_TIME_ZONE"


class ScheduleFileError(Exception):
    """Schedule files cannot be used; the message names each file, field and fault, one a line."""


class _FaultyFileError(Exception):
    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__(problems)
        self.problems = problems


def load_schedules(folder: Path, values: Mapping[str, str]) -> list[Schedule]:
    """Read the schedules of a folder that are enabled, by name; as `read_schedules` does.

    Raises:
        ScheduleFileError: Every fault of every file.
    """
    return [schedule for schedule in read_schedules(folder, values) if schedule.is_enabled]


def read_schedules(folder: Path, values: Mapping[str, str]) -> list[Schedule]:
    """Read the schedules of a folder, by name.

    Args:
        folder: Holds a file ``{name}.json`` for each.
        values: The app's settings.

    Raises:
        ScheduleFileError: Every fault of every file.
    """
    schedules, faults = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            schedules.append(_read(path, values))
        except _FaultyFileError as error:
            where = f"{folder.name}/{path.name}"
            faults += [f"{where}: {p.field}: {p.message}" for p in error.problems]
    if faults:
        raise ScheduleFileError("\n".join(faults))
    return schedules


def _read(path: Path, values: Mapping[str, str]) -> Schedule:
    file = _parse(path)
    if file.name != path.stem:
        raise _fault("name", f"is '{file.name}', and the file is called '{path.stem}'")
    is_enabled = _is_enabled(file.enabled, values)
    cron = _cron(file.schedule, values, must_exist=is_enabled)
    schedule = Schedule(
        name=file.name,
        cron=cron,
        trigger=file.schedule,
        on_overlap=file.on_overlap,
        request=file.request,
        task=file.task,
        zone=_zone(values),
        description=file.description,
        is_enabled=is_enabled,
    )
    if file.request is not None:
        _check_request(schedule)
    return schedule


def _fault(field: str, message: str) -> _FaultyFileError:
    return _FaultyFileError([FieldProblem(field, message)])


def _parse(path: Path) -> ScheduleFile:
    try:
        return ScheduleFile.model_validate(from_json(path.read_bytes()))
    except ValidationError as invalid:
        raise _FaultyFileError(field_problems(invalid)) from invalid
    except ValueError as error:
        raise _fault(ROOT, f"it is no JSON: {error}") from error


def _setting(text: str) -> str | None:
    """The setting that ``%NAME%`` names; None where the text is itself the value."""
    is_name = text.startswith("%") and text.endswith("%") and len(text) > len("%%")
    return text[1:-1] if is_name else None


def _is_enabled(enabled: bool | str, values: Mapping[str, str]) -> bool:
    if isinstance(enabled, bool):
        return enabled
    name = _setting(enabled)
    if name is None:
        raise _fault("enabled", f"'{enabled}' is none of true, false and %SETTING%")
    text = (values.get(name) or "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise _fault("enabled", f"the setting {name} is '{text}'; it takes true or false")
    return text in ("true", "1")


def _cron(text: str, values: Mapping[str, str], *, must_exist: bool) -> str:
    name = _setting(text)
    expression = text if name is None else values.get(name) or ""
    if name is not None and not expression:
        if must_exist:
            raise _fault("schedule", f"the setting {name} is not set")
        return ""
    try:
        check_cron(expression)
    except ScheduleError as error:
        raise _fault("schedule", str(error)) from error
    return expression


def _zone(values: Mapping[str, str]) -> tzinfo:
    name = values.get(ZONE)
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _fault("schedule", f"{ZONE} is '{name}', which is no time zone") from error


def _check_request(schedule: Schedule) -> None:
    """Look at the request as it would be now; the source may not exist before it is due."""
    if "run_id" in (schedule.request or {}):
        raise _fault("request.run_id", "is made from the schedule's name and its due time")
    try:
        request = RunRequest.model_validate(schedule.request_at(datetime.now(UTC)))
        if request.dry_run:
            raise _fault("request.dry_run", NOBODY_ASKS)
        parameters = registry.get(request.workload).parameters_model
    except ScheduleError as error:
        raise _fault("request", str(error)) from error
    except registry.UnknownWorkloadError as error:
        raise _fault("request.workload", str(error)) from error
    except ValidationError as invalid:
        problems = field_problems(invalid)
        raise _FaultyFileError(
            [FieldProblem(f"request.{p.field}", p.message) for p in problems]
        ) from invalid
    try:
        parameters.model_validate(request.parameters)
    except ValidationError as invalid:
        raise _FaultyFileError(field_problems(invalid, "request.parameters")) from invalid
