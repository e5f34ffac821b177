"""The folder `schedules/`: a faulty file is refused when the app starts, not when it is due."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fanout.errors import FieldProblem, InvalidRequestError
from fanout.models.request import RunRequest
from fanout.models.schedule import ScheduleFile
from fanout.printable import describe_failure, make_printable
from fanout.schedules import Schedule, ScheduleError, check_cron
from starters.lifecycle.claim import NOBODY_ASKS
from starters.lifecycle.json_text import read_json
from starters.lifecycle.validation import validate
from workloads import registry

FOLDER = Path(__file__).parents[1] / "schedules"
FOLDER_SETTING = "FANOUT_SCHEDULES_FOLDER"
ZONE = "WEBSITE_TIME_ZONE"


class ScheduleFileError(Exception):
    """Schedule files cannot be used; each line of the message names a file, a field, a fault."""


def schedules_folder(environment: Mapping[str, str]) -> Path:
    """Where the app's schedule files are."""
    return Path(environment.get(FOLDER_SETTING) or FOLDER)


def load_schedules(folder: Path, environment: Mapping[str, str]) -> list[Schedule]:
    """Read the schedules of a folder that are enabled, by name.

    Raises:
        ScheduleFileError: Every fault of every file.
    """
    return [schedule for schedule in read_schedules(folder, environment) if schedule.is_enabled]


def read_schedules(folder: Path, environment: Mapping[str, str]) -> list[Schedule]:
    """Read the schedules of a folder, by name.

    Args:
        folder: Holds a file ``{name}.json`` for each.
        environment: The app's settings.

    Raises:
        ScheduleFileError: Every fault of every file.
    """
    files = read_files(folder, environment)
    faults = [fault for file in files for fault in file.faults]
    if faults:
        raise ScheduleFileError("\n".join(faults))
    return [file.schedule for file in files if file.schedule is not None]


@dataclass(frozen=True)
class FileReading:
    """What a file of the folder says.

    Attributes:
        name: The name of the schedule that it should hold.
        schedule: The schedule; None if the file is faulty.
        faults: What is wrong with it; each names the file.
    """

    name: str
    schedule: Schedule | None = None
    faults: list[str] = field(default_factory=list)


def read_files(folder: Path, environment: Mapping[str, str]) -> list[FileReading]:
    """Read every file of the folder, by name; a faulty one hides no other."""
    return [_try_to_read(path, environment) for path in sorted(folder.glob("*.json"))]


def _try_to_read(path: Path, environment: Mapping[str, str]) -> FileReading:
    file = make_printable(f"{path.parent.name}/{path.name}")
    try:
        return FileReading(path.stem, _read(path, environment))
    except InvalidRequestError as error:
        faults = [f"{file}: {p.field}: {p.message}" for p in error.problems]
    except Exception as error:  # noqa: BLE001  whatever is in it, the others are read
        faults = [f"{file}: {describe_failure(error)}"]
    return FileReading(make_printable(path.stem), faults=faults)


def _read(path: Path, environment: Mapping[str, str]) -> Schedule:
    file = _parse(path)
    if file.name != path.stem:
        raise _fault("name", f"is '{file.name}', and the file is called '{path.stem}'")
    is_enabled = _is_enabled(file.enabled, environment)
    cron = _cron(file.schedule, environment, must_exist=is_enabled)
    schedule = Schedule(
        name=file.name,
        cron=cron,
        trigger=file.schedule,
        on_overlap=file.on_overlap,
        request=file.request,
        task=file.task,
        zone=_zone(environment),
        description=file.description,
        is_enabled=is_enabled,
    )
    if file.request is not None:
        _check_request(schedule)
    return schedule


def _fault(field: str, message: str) -> InvalidRequestError:
    return InvalidRequestError([FieldProblem(field, message)])


def _parse(path: Path) -> ScheduleFile:
    return validate(ScheduleFile, read_json(path.read_bytes()))


def _setting_name(text: str) -> str | None:
    """The setting that ``%NAME%`` names; None where the text is the value."""
    is_name = text.startswith("%") and text.endswith("%") and len(text) > len("%%")
    return text[1:-1] if is_name else None


def _is_enabled(enabled: bool | str, environment: Mapping[str, str]) -> bool:
    if isinstance(enabled, bool):
        return enabled
    name = _setting_name(enabled)
    if name is None:
        raise _fault("enabled", f"'{enabled}' is none of true, false and %SETTING%")
    text = (environment.get(name) or "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise _fault("enabled", f"the setting {name} is '{text}'; it takes true or false")
    return text in ("true", "1")


def _cron(text: str, environment: Mapping[str, str], *, must_exist: bool) -> str:
    name = _setting_name(text)
    expression = text if name is None else environment.get(name) or ""
    if name is not None and not expression:
        if must_exist:
            raise _fault("schedule", f"the setting {name} is not set")
        return ""
    try:
        check_cron(expression)
    except ScheduleError as error:
        raise _fault("schedule", str(error)) from error
    return expression


def _zone(environment: Mapping[str, str]) -> tzinfo:
    name = environment.get(ZONE)
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _fault("schedule", f"{ZONE} is '{name}', which is no time zone") from error


def _check_request(schedule: Schedule) -> None:
    """Check the request as it would be now, but for the source, which may not exist before."""
    if "run_id" in (schedule.request or {}):
        raise _fault("request.run_id", "is made from the schedule's name and its due time")
    request = _request_now(schedule)
    if request.dry_run:
        raise _fault("request.dry_run", NOBODY_ASKS)
    try:
        workload = registry.get(request.workload)
    except registry.UnknownWorkloadError as error:
        raise _fault("request.workload", str(error)) from error
    validate(workload.parameters_model, request.parameters, "request.parameters")


def _request_now(schedule: Schedule) -> RunRequest:
    try:
        return validate(RunRequest, schedule.request_at(datetime.now(UTC)))
    except ScheduleError as error:
        raise _fault("request", str(error)) from error
    except InvalidRequestError as error:
        problems = [FieldProblem(f"request.{p.field}", p.message) for p in error.problems]
        raise InvalidRequestError(problems) from error
