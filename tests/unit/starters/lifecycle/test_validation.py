"""What is wrong with a document is named by field, as the caller wrote it."""

import pytest
from pydantic import BaseModel, ValidationError

from fanout.models.request import RunRequest
from starters.lifecycle.validation import field_problems

CSV = {"kind": "csv", "container": "inbox", "blob": "a.csv"}
GOOD = {"workload": "w", "source": CSV}


def fields(document: dict) -> dict[str, str]:
    with pytest.raises(ValidationError) as invalid:
        RunRequest.model_validate(document)
    return {p.field: p.message for p in field_problems(invalid.value)}


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ({"source": CSV}, "workload", "required"),
        ({"workload": "w"}, "source", "required"),
        (GOOD | {"source": {"kind": "xml"}}, "source.kind", "'csv'"),
        (GOOD | {"source": {"container": "inbox"}}, "source.kind", "discriminator"),
        (GOOD | {"source": "a.csv"}, "source", "dictionary"),
        (GOOD | {"source": {"kind": "csv", "container": "inbox"}}, "source.blob", "required"),
        (GOOD | {"source": CSV | {"blob": "a/../b"}}, "source.blob", "'..' segment"),
        (GOOD | {"source": CSV | {"container": "In Box"}}, "source.container", "pattern"),
        (GOOD | {"source": CSV | {"colour": 1}}, "source.colour", "not permitted"),
        (GOOD | {"source": {"kind": "text", "read": "csv"}}, "source", "either 'text' or"),
        (
            GOOD | {"source": {"kind": "text", "text": "", "read": {"kind": "csv", "rows": 1}}},
            "source.read.rows",
            "'strict'",
        ),
        (GOOD | {"run_id": "a b"}, "run_id", "pattern"),
        (GOOD | {"run_id": ".."}, "run_id", "a run id is not made of dots alone"),
        (GOOD | {"retry": {"max_attempts": 0}}, "retry.max_attempts", "greater than or equal to 1"),
        (GOOD | {"batch": {"max_items": "many"}}, "batch.max_items", "integer"),
        (GOOD | {"surprise": 1}, "surprise", "not permitted"),
    ],
)
def test_a_problem_names_the_field_as_the_caller_wrote_it(document: dict, field: str, says: str):
    (found,) = fields(document).items()
    assert found[0] == field
    assert says in found[1]


def test_every_problem_is_named_at_once():
    found = fields({"source": CSV | {"blob": ""}, "run_id": "/", "tolerance": {"percentage": 101}})
    assert set(found) == {"workload", "source.blob", "run_id", "tolerance.percentage"}


class Parameters(BaseModel):
    metrics: dict[str, list[int]]


def test_a_parameter_is_named_below_parameters_whatever_its_own_name():
    with pytest.raises(ValidationError) as invalid:
        Parameters.model_validate({"metrics": {"csv": [1, "x"], "json": 3}})
    found = [p.field for p in field_problems(invalid.value, "parameters")]
    assert found == ["parameters.metrics.csv[1]", "parameters.metrics.json"]
