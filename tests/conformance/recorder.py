"""Asks a host the cases and records what was seen, without what differs from run to run."""

import importlib
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.conformance.registry import ALONE, CASES, Ask, Case
from tests.conformance.web import Web

for _module in sorted((Path(__file__).parent / "cases").glob("*.py")):
    importlib.import_module(f"tests.conformance.cases.{_module.stem}")

SIDE_BY_SIDE = 14
SLOW_SECONDS = 20
LONGEST_TEXT = 2_500
# Those that wait long begin first.
_FIRST = (
    "unknown",
    "wrong",
    "retry",
    "again",
    "timer",
    "entity_fail",
    "versions",
    "yield_none",
    "sub_",
    "http_",
    "event",
)
# These stay as they are: they are what a case is about.
_FIXED_TIME = "2026-01-02T03:04:05"
_REPLACED: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern, flags), text)
    for pattern, text, flags in (
        (r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "<guid>", re.IGNORECASE),
        (r"\b[0-9a-f]{32}\b", "<hex32>", re.IGNORECASE),
        (r"20(?:2[5-9]|3\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", "<time>", 0),
        (r"20(?:2[5-9]|3\d)-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00)?", "<time>", 0),
        (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "<date>", 0),
        (r"http://(?:127\.0\.0\.1|localhost):\d+", "<base>", 0),
        (r"taskHub=\w+", "taskHub=<hub>", 0),
        (r"[?&]code=(?:rig)?(?=[&\"]|$)", "", 0),
        (r"connection=(?:AzureWebJobsStorage|Storage)", "connection=<connection>", 0),
        (r"line \d+", "line N", 0),
        # Of the server that a function of the cases is.
        (r"\b(Python|aiohttp)/[\d.]+", r"\1/<version>", 0),
        (r"0x[0-9a-f]{6,}", "0x<address>", 0),
        (r"(known (\w+) functions): ('\w+'(, )?)+", r"\1: (all of them)", 0),
        # Stacks are those of a host's own code.
        (r'(\\*"InnerException\\*":).*', r"\1 (...)", re.DOTALL),
        (r"(\nStack: ).*", r"\1(...)", re.DOTALL),
        (r"(StackTrace: ) *at [^\n]+", r"\1(...)", 0),
        (r"\n\s*at [^\n]+", "", 0),
    )
]
_CUT = re.compile(r"\.\.\. \d+$")


def record(
    base: str, names: Iterable[str] = (), tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Ask a host all cases, or those that match one of some patterns."""
    wanted = [re.compile(name) for name in names]

    def chosen(cases: dict[str, Ask]) -> list[tuple[str, Ask]]:
        return [
            (name, ask)
            for name, ask in cases.items()
            if not wanted or any(pattern.fullmatch(name) for pattern in wanted)
        ]

    run = _Run(Web(base), uuid.uuid4().hex[:8], tell)
    first = sorted(chosen(CASES), key=lambda item: not item[0].startswith(_FIRST))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        records = dict(pool.map(run.one, first))
    return records | dict(map(run.one, chosen(ALONE)))


class _Run:
    def __init__(self, web: Web, mark: str, tell: Callable[[str], None]) -> None:
        self._web = web
        self._mark = mark
        self._tell = tell

    def one(self, item: tuple[str, Ask]) -> tuple[str, Any]:
        name, ask = item
        begun = time.monotonic()
        try:
            seen = tidy(ask(Case(name, self._web, self._mark)), self._mark)
        except Exception:
            seen = {"FAILED": traceback.format_exc(limit=4)}
        took = time.monotonic() - begun
        if took > SLOW_SECONDS:
            self._tell(f"{name}: {took:.0f} s")
        return name, seen


def tidy(value: Any, mark: str) -> Any:
    """Replace what differs from run to run, and what is the host's own affair."""
    if isinstance(value, dict):
        return {
            tidy(key, mark): "(...)" if key == "StackTrace" else tidy(item, mark)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [tidy(item, mark) for item in value]
    return _tidy_text(value, mark) if isinstance(value, str) else value


def _tidy_text(text: str, mark: str) -> str:
    is_fixed = text.startswith(_FIXED_TIME)
    text = text.replace(mark, "M")
    if is_fixed:
        return text
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    if len(text) > LONGEST_TEXT:
        text = f"{text[:1200]}... {len(text)}"
    # How long the text of a failure is depends on the stack in it.
    return _CUT.sub("...", text) if " failed: " in text else text


def say(line: str) -> None:
    """Tell progress where it does not get into results."""
    print(line, file=sys.stderr, flush=True)
