"""Whatever comes from outside has a floor and a ceiling, and the schema and the pages say so."""

import re
import re._parser as sre_parser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from fanout.adapters import settings as settings_module
from fanout.adapters.settings import BOUNDS, Settings, SettingsError
from fanout.models.limits import LimitsChange
from fanout.models.numbers import MAX_RATE, MIN_RATE
from fanout.models.redrive import RedriveRequest
from fanout.models.request import RunRequest
from fanout.models.schedule import ScheduleFile
from starters.api import endpoints
from tests.support.hostile.numbers import ANY_NAME, Branch, Schema, walk
from workloads import registry

ROOT = Path(__file__).parents[2]
# The workloads of the product, whatever other tests have registered.
WORKLOADS = [
    workload for workload in registry.all() if type(workload).__module__.startswith("workloads.")
]
MODELS = {
    **{model.__name__: model for model in (RunRequest, LimitsChange, RedriveRequest, ScheduleFile)},
    **{f"items of {workload.name}": workload.item_model for workload in WORKLOADS},
    **{f"parameters of {workload.name}": workload.parameters_model for workload in WORKLOADS},
}
# What is as long as the whole body, message, file or record that it is in, which has a limit.
WHOLE = {
    ("RunRequest", "source", "items"),
    ("RunRequest", "source", "text"),
    ("RunRequest", "source", "base64"),
    ("RunRequest", "parameters"),
    ("ScheduleFile", "request"),
    ("items of notifications", "fields"),
    ("items of reports",),
}


# Of a field, how many it may have.
Ceiling = tuple[str, int]


def unbounded(schema: Schema) -> Iterator[str]:
    """What a schema leaves without a bound, itself and not what is in it."""
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        return
    if kind in ("integer", "number"):
        yield from {"minimum", "maximum"} - schema.keys()
    if kind == "string" and "maxLength" not in schema and schema.get("format") != "date-time":
        pattern = schema.get("pattern")
        if pattern is None or sre_parser.parse(pattern).getwidth()[1] > 10_000:
            yield "maxLength"
    if kind == "array" and "maxItems" not in schema:
        yield "maxItems"
    if kind == "object" and "properties" not in schema and "maxProperties" not in schema:
        yield "maxProperties"


@pytest.mark.parametrize("name", MODELS)
def test_every_number_text_and_list_from_outside_has_bounds(name: str):
    model: type[BaseModel] = MODELS[name]
    schema = model.model_json_schema()
    found = {
        (name, *branch.steps): set(unbounded(branch.schema))
        for branch in walk(schema, schema)
        if (name, *branch.steps) not in WHOLE and not _is_within_whole(name, branch.steps)
    }
    assert {place: lacks for place, lacks in found.items() if lacks} == {}


def _is_within_whole(name: str, steps: tuple[Any, ...]) -> bool:
    places = [(name, *steps[:count]) for count in range(len(steps))]
    return any(place in WHOLE for place in places)


@pytest.mark.parametrize("name", MODELS)
def test_how_many_a_list_may_have_is_on_the_page(name: str):
    model: type[BaseModel] = MODELS[name]
    schema = model.model_json_schema()
    page = (ROOT / "docs" / "reference" / "limits.md").read_text().partition("## Numbers")[2]
    rows = [line for line in page.splitlines() if line.startswith("|")]
    ceilings = {one for branch in walk(schema, schema) for one in ceilings_of(branch)}
    assert {one for one in ceilings if not any(is_in_row(one, row) for row in rows)} == set()


def ceilings_of(branch: Branch) -> Iterator[Ceiling]:
    """How many values or fields a schema allows, by the field that it is of."""
    names = [step for step in branch.steps if isinstance(step, str) and step != ANY_NAME]
    for bound in ("maxItems", "maxProperties"):
        if bound in branch.schema:
            yield names[-1], branch.schema[bound]


def is_in_row(ceiling: Ceiling, row: str) -> bool:
    field, most = ceiling
    _, names, _, told, *_ = row.split("|")
    return f"`{field}`" in names and re.search(rf"(?<![\d,]){most:,}(?![\d,])", told) is not None


@pytest.mark.parametrize(
    "argument",
    {argument.name: argument for one in endpoints.ALL for argument in one.arguments}.values(),
    ids=lambda argument: argument.name,
)
def test_every_argument_of_a_query_and_of_a_header_has_bounds(argument: endpoints.Argument):
    schema = {name: value for name, value in argument.schema.items() if name != "format"}
    assert set(unbounded(schema)) == set()


def test_every_whole_number_of_the_settings_has_bounds_and_the_page_says_them():
    text = (ROOT / "fanout" / "adapters" / "settings.py").read_text()
    names = re.findall(r'_whole\(\s*values, (?:"(FANOUT_\w+)"|(\w+))', text)
    read = {name or vars(settings_module)[constant] for name, constant in names}
    assert read == BOUNDS.keys()
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    told = dict(re.findall(r"^\| `(FANOUT_\w+)` \| [^|]*?; (\d+ to \d+) \|", page, re.M))
    assert told == {name: f"{one.start} to {one.stop - 1}" for name, one in BOUNDS.items()}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_whole_number_of_the_settings_is_refused_by_name_beyond_its_bounds(name: str):
    low, high = BOUNDS[name].start, BOUNDS[name].stop - 1
    for text in (str(low), str(high)):
        _read(**{name: text})
    odd = ("0", "-1", "1e9", "1.5", "NaN", "inf", "9" * 5_000, "٣", " 1")
    for text in (str(low - 1), str(high + 1), *odd):
        with pytest.raises(SettingsError, match=f"{name}.*from {low} to {high}"):
            _read(**{name: text})


@pytest.mark.parametrize(
    "rate", ["0", "-1", "nan", "inf", "1e999", "1e-12", "0.0009", "1000000001", "9" * 5_000, ""]
)
def test_a_rate_of_a_downstream_is_refused_beyond_its_bounds(rate: str):
    with pytest.raises(SettingsError, match="FANOUT_DOWNSTREAM_RATES"):
        _read(FANOUT_DOWNSTREAM_RATES=f"shop={rate}")
    least = _read(FANOUT_DOWNSTREAM_RATES=f"shop={MIN_RATE},mail={MAX_RATE}")
    assert least.downstream_rates == {"shop": MIN_RATE, "mail": MAX_RATE}


def _read(**values: str) -> Settings:
    return Settings.from_environment({"FANOUT_STORAGE": "UseDevelopmentStorage=true", **values})
