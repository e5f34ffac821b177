"""What a run would take in Azure: time, instances, events, operations and cost, and what binds.

Reckoned, not measured: from published limits, from what was measured of Fanout on two cores and of
Microsoft's extension on an emulator, and from a few guesses, each named (`--facts`). For runs
that have the app for themselves, on Flex Consumption, with Azure Storage or the Durable Task
Scheduler as the backend.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict

from bench.azure_model import tables
from bench.azure_model.prediction import Setup, predict
from bench.azure_model.scheme import Load
from bench.measure import save


def main(words: Sequence[str] = ()) -> None:
    """Print the tables that the options ask for, and save all predictions."""
    options = _parse_options(words)
    if options.facts:
        tables.show_facts()
    tables.show_predictions()
    tables.show_steps()
    tables.show_ceilings()
    tables.show_limits()
    print(f"saved {save('azure_model', {'predictions': _predictions()})}")


def _predictions() -> list[dict[str, object]]:
    return [
        _figures(name, setup, Load(n, *item))
        for name, setup in tables.SETUPS.items()
        for item in tables.ITEMS
        for n in tables.SIZES
    ]


def _figures(name: str, setup: Setup, load: Load) -> dict[str, object]:
    prediction = predict(load, setup)
    return {
        "setup": name,
        **asdict(load),
        "seconds": {str(limit): seconds for limit, seconds in prediction.seconds.items()},
        "instances": prediction.instances,
        "activities": prediction.activities,
        "events": prediction.events.total(),
        "messages": prediction.messages,
        "dollars": prediction.dollars,
        "limit": str(prediction.limit),
    }


def _parse_options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench azure_model", description=__doc__)
    parser.add_argument("--facts", action="store_true", help="also print what it rests on")
    return parser.parse_args(words)
