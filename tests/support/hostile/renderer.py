"""A process that compiles and renders templates one after another, with little memory and time.

Run as a program it reads templates as JSON lines and answers each with a line: how it ended, and
what it took. It is killed if one takes too long, and short of memory if one takes too much.
"""

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.hostile.processes import begin_peak_anew, read_memory
from tests.support.hostile.templates import FIELDS, LARGE_FIELDS, HostileTemplate

ROOT = Path(__file__).parents[3]
MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 20


@dataclass(frozen=True)
class Ending:
    """How a template ended.

    Attributes:
        error: The classes of what was raised and of its causes; empty if it rendered.
        characters: Of what it rendered to.
        peak_bytes: By how much the memory of the process grew at most.
    """

    name: str
    error: list[str]
    message: str
    characters: int
    peak_bytes: int
    seconds: float


def render_apart(templates: Iterable[HostileTemplate]) -> list[Ending]:
    """Render templates in a process of their own; fewer endings than templates if it died."""
    lines = "\n".join(json.dumps(asdict(template)) for template in templates)
    program = subprocess.run(
        [sys.executable, "-m", "tests.support.hostile.renderer"],
        cwd=ROOT,
        input=lines,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return [Ending(**json.loads(line)) for line in program.stdout.splitlines()]


def _limit_memory() -> None:
    limit = read_memory("VmSize") + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_time() -> None:
    """Let the process be killed that takes much longer from now on."""
    seconds = int(time.process_time()) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


def _causes(error: BaseException | None) -> Iterable[str]:
    while error is not None:
        yield type(error).__name__
        error = error.__cause__


def _render_one(template: HostileTemplate) -> Ending:
    from workloads.notifications.templates import compile_template, render

    gc.collect()
    begin_peak_anew()
    before, began_at = read_memory("VmRSS"), time.process_time()
    error: list[str] = []
    message, text = "", ""
    try:
        compile_template(template.source, is_html=template.is_html)
        text = render(template.source, FIELDS | LARGE_FIELDS, is_html=template.is_html)
    except Exception as fault:
        error, message = list(_causes(fault)), str(fault)[:300]
    seconds = time.process_time() - began_at
    peak = read_memory("VmHWM") - before
    return Ending(template.name, error, message, len(text), peak, seconds)


def _main() -> None:
    import workloads.notifications.templates  # noqa: F401  before the limit is set

    templates: list[Any] = [json.loads(line) for line in sys.stdin]
    gc.freeze()  # so that a collection looks at what a template left, and no further
    _limit_memory()
    for template in templates:
        _limit_time()
        print(json.dumps(asdict(_render_one(HostileTemplate(**template)))), flush=True)


if __name__ == "__main__":
    _main()
