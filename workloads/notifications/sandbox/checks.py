"""The tests of templates, as in `is odd`, each with its price."""

from typing import Any

from jinja2.tests import TESTS

from workloads.notifications.sandbox.filters import Operation, price, step

# They look at what kind of value it is, and no further.
_SHALLOW = frozenset(
    (
        *("boolean", "callable", "defined", "escaped", "false", "float", "integer", "iterable"),
        *("mapping", "none", "number", "sameas", "sequence", "string", "true", "undefined"),
    )
)
_JINJA: dict[str, Any] = {**TESTS}
_NAMES = frozenset(("filter", "test"))

CHECKS: dict[str, Operation] = {
    name: step(check) if name in _SHALLOW else price(check)
    for name, check in _JINJA.items()
    if name not in _NAMES
}
