"""The blueprint of all functions, and how results and errors are told."""

import os
import tempfile
from pathlib import Path

import azure.durable_functions as df

bp = df.Blueprint()
# Attempts are counted in files, since a worker may be any of several processes.
MARKS = Path(os.environ.get("CONFORMANCE_MARKS") or f"{tempfile.gettempdir()}/conformance-marks")
MARKS.mkdir(exist_ok=True)


def orchestrator(function):
    return bp.orchestration_trigger(context_name="context")(function)


def activity(function):
    return bp.activity_trigger(input_name="x")(function)


def entity(function):
    return bp.entity_trigger(context_name="context")(function)


def seen(value):
    text = repr(value)
    return {
        "type": type(value).__name__,
        "repr": text if len(text) < 200 else f"{text[:60]}... {len(text)}",
    }


def told(error):
    text = str(error)
    return {
        "type": type(error).__name__,
        "text": text if len(text) < 3000 else f"{text[:1500]}... {len(text)}",
    }
