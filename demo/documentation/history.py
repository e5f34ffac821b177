"""Write the history of a small run, as the durable host keeps it, into docs/how-it-works.md."""

import json
import sys
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.api import Api
from demo.errors import DemoError
from demo.host import ROOT, EmbeddedHost

PAGE = ROOT / "docs" / "how-it-works.md"
BEGIN, END = "<!-- history: begin -->", "<!-- history: end -->"
RUN_ID = "rain"
SECONDS = 60
REQUEST = {
    "workload": "reports",
    "run_id": RUN_ID,
    "source": {
        "kind": "inline",
        "items": [
            {"city": "Oslo", "mm": "3.5"},
            {"city": "Oslo", "mm": "0.5"},
            {"city": "Rome", "mm": "1"},
        ],
    },
    "parameters": {"group_by": ["city"], "metrics": {"mm": ["count", "mean"]}},
}


def main() -> int:
    """Write the history of a run into the page, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedHost(Path(folder)) as host:
        try:
            origin = host.wait_until_ready()
            run_to_end(Api(origin))
            text = history_text(origin)
        except DemoError as error:
            print(f"{error}\n\n{host.last_words()}", file=sys.stderr)
            return 1
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}")
    return 0


def run_to_end(api: Api) -> None:
    """Start the run, and wait until it is over."""
    api.start(REQUEST)
    deadline = time.monotonic() + SECONDS
    while api.status(RUN_ID)["phase"] != "done":
        if time.monotonic() > deadline:
            raise DemoError(f"The run '{RUN_ID}' is not over after {SECONDS} s.")
        time.sleep(0.1)


def history_text(origin: str) -> str:
    """The history of the run as Markdown; so small a run works off its only shard itself."""
    return f"**`run`**, instance `{RUN_ID}`:\n\n{event_table(get_history(origin, RUN_ID))}"


def get_history(origin: str, instance: str) -> list[dict[str, Any]]:
    """Get the history of an instance from the durable host, once the instance has ended."""
    url = f"{origin}/runtime/webhooks/durabletask/instances/{instance}?showHistory=true"
    for _ in range(100):
        with urllib.request.urlopen(url) as response:  # noqa: S310 - our own host's
            state = json.load(response)
        if state["runtimeStatus"] == "Completed":
            return list(state["historyEvents"])
        time.sleep(0.1)
    raise DemoError(f"The instance '{instance}' has not ended.")


def event_table(events: list[dict[str, Any]]) -> str:
    """The events as rows: milliseconds since the first, the event, and its function."""
    start = datetime.fromisoformat(events[0]["Timestamp"])
    rows = ["| ms | event | of |", "|---|---|---|"]
    for event in events:
        elapsed = datetime.fromisoformat(event["Timestamp"]) - start
        name = event.get("FunctionName") or event.get("Name") or ""
        cell = f"`{name}`" if name else ""
        milliseconds = elapsed.total_seconds() * 1000
        rows.append(f"| {milliseconds:.0f} | {event['EventType']} | {cell} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
