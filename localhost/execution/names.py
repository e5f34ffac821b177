"""What functions and their bindings may be called: the rules of the Functions host.

A function whose names break them is left out there, and refused here.

Source: Utility.cs and WorkerFunctionMetadataProvider.cs of the host, 4.1037.
"""

import re
from collections.abc import Iterator

from localhost.execution.contract import FunctionInfo

_FUNCTION_NAME = re.compile("[a-z][a-z0-9_-]{0,127}", re.IGNORECASE | re.ASCII)
_BINDING_NAME = re.compile("[a-z][a-z0-9]{0,127}", re.IGNORECASE | re.ASCII)
_RESERVED_NAME = "host"
_RETURN = "$return"
LEFT_OUT = "Azure's host leaves the function out and starts without it."


def name_problems(info: FunctionInfo) -> Iterator[str]:
    """Say of each name of a function that the host does not take, why and what to do."""
    if problem := _function_problem(info.name):
        yield f"Function '{info.name[:200]}': {problem} {LEFT_OUT}"
    seen: set[str] = set()
    for binding in info.bindings:
        name = str(binding.get("name") or "")
        if problem := _binding_problem(name, seen):
            yield f"Function '{info.name}': {problem} {LEFT_OUT}"
        seen.add(name.lower())


def _function_problem(name: str) -> str | None:
    if name.lower() == _RESERVED_NAME:
        return "its name is the host's own. Give it another one with @app.function_name()."
    if _FUNCTION_NAME.fullmatch(name):
        return None
    return (
        "its name must begin with a letter and go on with letters, digits, '_' and '-', 128 in all "
        "at most. Give it such a one with @app.function_name()."
    )


def _binding_problem(name: str, seen: set[str]) -> str | None:
    if name.lower() in seen:
        return (
            f"two of its bindings are called '{name}', upper and lower case being the same. "
            "Rename one, and the parameter with it."
        )
    if name == _RETURN or _BINDING_NAME.fullmatch(name):
        return None
    return (
        f"its binding '{name}' must be called by letters and digits alone, a letter first, 128 in "
        f"all at most. Rename it, and the parameter with it: '{_proposal(name)}'."
    )


def _proposal(name: str) -> str:
    first, *others = re.findall("[A-Za-z0-9]+", name) or ["value"]
    text = first.lstrip("0123456789") + "".join(part[:1].upper() + part[1:] for part in others)
    return text[:128].lstrip("0123456789") or "value"
