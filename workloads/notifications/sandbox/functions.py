"""The functions of templates: those of Jinja, less `lipsum`."""

from dataclasses import dataclass
from typing import Any

from jinja2.sandbox import safe_range
from jinja2.utils import Cycler, Joiner, Namespace

from workloads.notifications.sandbox.budget import ELEMENT, STEP
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.filters import Operation, price, step
from workloads.notifications.sandbox.hashes import spend_pairs
from workloads.notifications.sandbox.texts import to_text
from workloads.notifications.sandbox.weights import weigh


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a template may call."""

    operation: Operation


def _make_namespace(context: RenderContext, *args: Any, **fields: Any) -> Namespace:
    """Make a namespace; what it is made from is copied, and its fields may be anything."""
    context.budget.spend(STEP + weigh(args, context.budget.left) + 2 * ELEMENT * len(fields))
    spend_pairs(context.budget, args)
    return Namespace(*args, **fields)


def _make_object(context: RenderContext, *args: Any, **fields: Any) -> dict[Any, Any]:
    context.budget.spend(STEP + weigh([*args, *fields.values()], context.budget.left))
    spend_pairs(context.budget, args)
    return dict(*args, **fields)


def _make_joiner(context: RenderContext, sep: Any = ", ") -> Joiner:
    return Joiner(to_text(context.budget, sep))


FUNCTIONS: dict[str, Function] = {
    "cycler": Function(step(Cycler)),
    "dict": Function(_make_object),
    "joiner": Function(_make_joiner),
    "namespace": Function(_make_namespace),
    "range": Function(price(safe_range)),
}
