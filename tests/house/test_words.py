"""One word, one meaning: names of the main rooms use no word that `docs/glossary.md` has retired.

Only names are judged: those of classes, functions, fields, constants and parameters. Texts are for
people, who read them in their context.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ROOMS = ("fanout", "orchestrators", "activities", "starters")
Kind = Literal["class", "function", "property", "field", "constant", "parameter"]

# Words that no name has, and what is said instead.
RETIRED_WORDS = {"grain": "cut", "grains": "cuts"}
# Names that nothing of these kinds has; the same word may be right for another kind.
RETIRED_NAMES: dict[str, tuple[str, tuple[Kind, ...]]] = {
    "Leave": ("Grant", ("class",)),
    "leave": ("grant", ("field", "parameter")),
    "BatchCut": ("Cut", ("class",)),
    "Begun": ("BeginResult", ("class",)),
    "Settled": ("SettleResult", ("class",)),
    "Finished": ("noun", ("class",)),
    "OpenedSagas": ("noun", ("class",)),
    "Recorded": ("noun", ("class",)),
    "is_told": ("is_announced", ("field", "property")),
    "batches_per_partition": ("cuts_per_partition", ("function", "field", "parameter")),
    "batch_items": ("items_per_cut", ("function", "field", "parameter")),
}
# A function is a verb, or the noun of what it gives: never only a participle or a pronoun, be it
# with a word like `out` or `before`.
PARTICIPLES = {
    "begun",
    "brought",
    "built",
    "cast",
    "chosen",
    "done",
    "drawn",
    "found",
    "given",
    "gone",
    "held",
    "kept",
    "known",
    "left",
    "lost",
    "made",
    "met",
    "said",
    "seen",
    "sent",
    "shown",
    "taken",
    "told",
    "undone",
    "written",
}
NO_PARTICIPLES = {"embed", "exceed", "feed", "need", "proceed", "seed", "speed", "succeed"}
PRONOUNS = {"both", "each", "either", "here", "mine", "one", "others", "ours", "such", "those"}
PARTICLES = {"before", "by", "down", "from", "in", "of", "off", "on", "out", "over", "to", "up"}
# A parameter says what it is.
RETIRED_PARAMETERS = {"found", "here", "of", "one", "said", "those", "to"}


@dataclass(frozen=True)
class Name:
    """A name that a module gives to something, and where."""

    text: str
    kind: Kind
    place: str
    line: int

    @property
    def words(self) -> list[str]:
        """The words that it is made of, small."""
        return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", self.text)]

    def __str__(self) -> str:
        """Where it is, for whoever reads a failure."""
        return f"{self.place}:{self.line} {self.text}"


def names_of_rooms() -> list[Name]:
    """Every name that the main rooms give."""
    return [
        name
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in names_in(path.read_text(), path.relative_to(ROOT).as_posix())
    ]


def names_in(source: str, place: str) -> Iterator[Name]:
    tree = ast.parse(source)
    for node in tree.body:
        yield from (Name(text, "constant", place, node.lineno) for text in targets(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield Name(node.name, "class", place, node.lineno)
            for statement in node.body:
                yield from (
                    Name(text, "field", place, statement.lineno) for text in targets(statement)
                )
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Name(
                node.name, "property" if is_property(node) else "function", place, node.lineno
            )
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                yield Name(argument.arg, "parameter", place, argument.lineno)


def targets(statement: ast.stmt) -> Iterator[str]:
    """The names that an assignment gives."""
    found = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        found = [statement.target]
    yield from (target.id for target in found if isinstance(target, ast.Name))


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is read like a field, and so may be a participle: `wave.ended`."""
    decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
    return bool(decorators & {"property", "cached_property", "functools.cached_property"})


def is_retired(name: Name) -> bool:
    _, kinds = RETIRED_NAMES.get(name.text.strip("_"), ("", ()))
    return name.kind in kinds or not RETIRED_WORDS.keys().isdisjoint(name.words)


def is_participle_or_pronoun(name: Name) -> bool:
    """Whether a function's name has neither a verb nor a noun."""
    if name.kind != "function" or name.text.startswith("__"):
        return False
    wordy = [word for word in name.words if word not in PARTICLES]
    return bool(wordy) and all(is_participle(word) or word in PRONOUNS for word in wordy)


def is_participle(word: str) -> bool:
    return word in PARTICIPLES or (word.endswith("ed") and word not in NO_PARTICIPLES)


def test_no_name_uses_a_word_that_is_retired():
    assert [str(name) for name in names_of_rooms() if is_retired(name)] == []


def test_no_function_is_named_by_a_participle_or_a_pronoun_alone():
    assert [str(name) for name in names_of_rooms() if is_participle_or_pronoun(name)] == []


def test_every_parameter_says_what_it_is():
    assert [
        str(name)
        for name in names_of_rooms()
        if name.kind == "parameter" and name.text in RETIRED_PARAMETERS
    ] == []


def test_the_glossary_says_what_to_use_instead_of_each_word():
    table = GLOSSARY.partition("## Words that are retired")[2]
    wanted = {*RETIRED_WORDS.values(), *(instead for instead, _ in RETIRED_NAMES.values())}
    assert {word for word in wanted if word.rstrip("s").lower() not in table.lower()} == set()
    retired = {"grain", *RETIRED_NAMES}
    assert {word for word in retired if word.lower() not in table.lower()} == set()


def test_the_glossary_defines_no_word_twice():
    words = re.findall(r"\*\*([^*]+)\*\*", "\n".join(re.findall(r"^\| [^|]+ \|", GLOSSARY, re.M)))
    assert sorted(words) == sorted(set(words))
    assert len(words) > 90


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("_told", True),
        ("written", True),
        ("_fanned_out", True),
        ("answered_by", True),
        ("_both", True),
        ("write_plan", False),
        ("exceed", False),
        ("merge_counts", False),
        ("is_begun", False),
        ("start_left_behind", False),
        ("over", False),
    ],
)
def test_a_participle_is_told_from_a_verb_and_a_noun(name: str, is_one: bool):
    assert is_participle_or_pronoun(Name(name, "function", "", 1)) is is_one
