"""Twelve people who do not exist and wait for parcels: recipients for `notifications`."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "recipients.jsonl"
HOOKS = "https://hooks.example.com"


def recipients(hooks: str = HOOKS) -> list[dict[str, Any]]:
    """Read the recipients; their webhooks go to `hooks`."""
    text = FILE.read_text(encoding="utf-8").replace(HOOKS, hooks)
    return [json.loads(line) for line in text.splitlines()]
