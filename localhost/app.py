"""A function app that is being served: what its HTTP front and admin endpoints work with."""

from dataclasses import dataclass

from localhost.execution.bindings import AppFunctions
from localhost.execution.contract import Executor
from localhost.settings import Settings


@dataclass(frozen=True)
class App:
    """A loaded app.

    Attributes:
        origin: How the host is reached, such as ``http://localhost:7071``.
    """

    settings: Settings
    functions: AppFunctions
    executor: Executor
    origin: str
