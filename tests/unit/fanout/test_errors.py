"""A refusal names what is wrong, and is never as long as the request."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import (
    MAX_FIELD_CHARACTERS,
    MAX_MESSAGE_CHARACTERS,
    MAX_PROBLEMS,
    FieldProblem,
    InvalidRequestError,
)

lengths = st.integers(min_value=0, max_value=3 * MAX_MESSAGE_CHARACTERS)
problems = st.builds(
    lambda field, message: FieldProblem("f" * field, "m" * message), lengths, lengths
)


@given(st.lists(problems, max_size=5))
def test_problems_are_told_as_they_are_unless_they_are_long(made: list[FieldProblem]):
    error = InvalidRequestError(made)
    assert len(error.problems) == len(made)
    for told, problem in zip(error.problems, made, strict=True):
        is_short = len(problem.field) <= MAX_FIELD_CHARACTERS
        assert (told.field == problem.field) == is_short
        assert problem.field.startswith(told.field.removesuffix("..."))
        assert (told.message == problem.message) == (len(problem.message) <= MAX_MESSAGE_CHARACTERS)
        assert problem.message.startswith(told.message.removesuffix("..."))


def test_of_many_problems_the_first_are_told_and_how_many_more_there_are():
    made = [FieldProblem(f"field{number}", "is unknown") for number in range(150_000)]
    error = InvalidRequestError(made)
    assert error.problems[:MAX_PROBLEMS] == made[:MAX_PROBLEMS]
    assert error.problems[MAX_PROBLEMS:] == [FieldProblem("body", "it has 149,900 more problems")]
    assert len(str(error)) < 10_000
