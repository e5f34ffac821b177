"""The tests of templates, as in `is odd`, each with its price."""

from typing import Any

from jinja2.tests import TESTS

from workloads.notifications.sandbox.filters import Operation, price, price_text, step
from workloads.notifications.sandbox.numbers import are_numbers, require_small

# They look at what kind of value it is, and no further.
_SHALLOW = frozenset(
    (
        *("boolean", "callable", "defined", "escaped", "false", "float", "integer", "iterable"),
        *("mapping", "none", "number", "sameas", "sequence", "string", "true", "undefined"),
    )
)
_TEXTS = frozenset(("lower", "upper"))
_NUMBERS = frozenset(("divisibleby", "even", "odd"))
_JINJA: dict[str, Any] = {**TESTS}
_NAMES = frozenset(("filter", "test"))


def _of_numbers(check: Operation) -> Operation:
    """Refuse what is no number: they take a remainder, which of a text is a format."""

    def run(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        if not are_numbers(*values):
            raise TypeError("a test of a remainder is for numbers")
        for value in values:
            require_small(value)
        return check(*args, **kwargs)

    return run


def _price(name: str, check: Operation) -> Operation:
    if name in _SHALLOW:
        return step(check)
    if name in _TEXTS:
        return price_text(check)
    return price(_of_numbers(check) if name in _NUMBERS else check)


CHECKS: dict[str, Operation] = {
    name: _price(name, check) for name, check in _JINJA.items() if name not in _NAMES
}
