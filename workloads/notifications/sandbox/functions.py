"""The functions of templates: those of Jinja, less `lipsum`."""

from dataclasses import dataclass
from typing import Any

from jinja2.sandbox import safe_range
from jinja2.utils import Cycler, Joiner, Namespace

from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.filters import Operation, price, step


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a template may call."""

    operation: Operation


def _make_joiner(context: RenderContext, sep: Any = ", ") -> Joiner:
    return Joiner(price(str)(context, sep) if type(sep) is not str else sep)


FUNCTIONS: dict[str, Function] = {
    "cycler": Function(step(Cycler)),
    "dict": Function(price(dict)),
    "joiner": Function(_make_joiner),
    "namespace": Function(step(Namespace)),
    "range": Function(price(safe_range)),
}
