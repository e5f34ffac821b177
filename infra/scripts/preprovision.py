"""Look, before anything is made, whether the subscription and the region can have it.

azd runs it before `azd provision`, its `--preview` too, and within `azd up`. It registers the
resource providers that are needed, refuses a region that lacks something, tells of the quota, and
keeps the first day of the budget. What needs `az` is left out, with a note, where that is not there
or not signed in.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from infra.scripts.budget import VARIABLE, budget_start
from infra.scripts.environment import Environment, SettingError
from infra.scripts.programs import ProgramError, az, bear_any_text, store
from infra.scripts.providers import needed_providers, register
from infra.scripts.regions import quota_notes, region_faults


def prepare(values: Mapping[str, str]) -> list[str]:
    """Do what is to be done before a deployment; return what it would fail for.

    Raises:
        SettingError: A variable makes no sense.
    """
    environment = Environment.read(values)
    reason = _why_not_asked(environment)
    if reason:
        _say(f"Providers, region and quota are not checked: {reason}")
    faults = [] if reason else _check(environment)
    if not faults:
        _keep_budget_start(environment, can_ask=not reason)
    return faults


def _why_not_asked(environment: Environment) -> str:
    """Why Azure cannot be asked; empty if it can."""
    if not environment.subscription or not environment.text("AZURE_LOCATION"):
        return "azd has yet to ask for the subscription and the region."
    try:
        az("account", "show", "--subscription", environment.text("AZURE_SUBSCRIPTION_ID"))
    except ProgramError as error:
        return f"{error}. `az login` signs in."
    return ""


def _check(environment: Environment) -> list[str]:
    try:
        for name in register(environment.subscription, needed_providers(environment)):
            _say(f"Registered {name} in the subscription.")
    except ProgramError as error:
        # Whoever may not register may find it done by somebody else.
        _say(f"Resource providers could not be looked after: {error}")
    faults = list(region_faults(environment))
    try:
        for note in quota_notes(environment):
            _say(f"{note}.")
    except ProgramError as error:
        _say(f"The quota is not known: {error}")
    return faults


def _keep_budget_start(environment: Environment, can_ask: bool) -> None:
    start = budget_start(environment, datetime.now(UTC).date(), can_ask)
    if not start or start == environment.values.get(VARIABLE):
        return
    try:
        store(environment.name, VARIABLE, start)
    except ProgramError as error:
        raise SettingError(f"{VARIABLE} cannot be stored: {error}") from error
    _say(f"The budget counts from {start}.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare a deployment and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.scripts.preprovision", description=__doc__
    )
    parser.parse_args(arguments)
    bear_any_text()
    try:
        faults = prepare(os.environ)
    except SettingError as error:
        faults = [str(error)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
