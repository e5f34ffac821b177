"""After a deployment: see that the app works, subscribe it to its inbox, and say where it is.

azd runs it after `azd deploy` and at the end of `azd up`. `FANOUT_SMOKE_RUN=false` leaves the run
out. No key is printed, but how to get one.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from infra.scripts.app_keys import credentials
from infra.scripts.environment import Environment, SettingError
from infra.scripts.inbox import subscribe, unsubscribe
from infra.scripts.programs import ProgramError, bear_any_text, call
from infra.scripts.smoke import Api, SmokeError, run_through, wait_for_health

SITES_API = "2024-04-01"
SCHEDULER_DASHBOARD = "https://dashboard.durabletask.io"

# Azure/azure-dev#8538: a remote build on Flex Consumption took 3.11 for apps on 3.13.
HINT = (
    "See that the log of the build names Python {python}. If it names another, "
    "`azd env set FANOUT_PYTHON_VERSION 3.11`, then `azd up`."
)


def finish(values: Mapping[str, str]) -> list[str]:
    """Do what is to be done after a deployment; return what went wrong.

    Raises:
        SettingError: A variable makes no sense.
    """
    environment = Environment.read(values)
    if not environment.text("FANOUT_URL"):
        raise SettingError("azd does not know where the app is: run `azd provision` first")
    has_inbox = environment.is_on("FANOUT_INBOX")
    is_tried = environment.is_on("FANOUT_SMOKE_RUN", default=True)
    if not has_inbox:
        _unsubscribe(environment)
    faults = []
    if _is_stopped(environment):
        _say(
            "Health:    not checked, nor is anything else: the app is stopped.",
            "           Once it is started, `azd hooks run postdeploy` checks it.",
        )
    else:
        faults += _check_health(environment)
        faults += _subscribe(environment) if has_inbox else []
        faults += _run_through(environment) if is_tried and not faults else []
    _say(*addresses(environment))
    return faults


def addresses(environment: Environment) -> Iterator[str]:
    """Say where the app is and what opens it."""
    url = environment.text("FANOUT_URL")
    yield f"App:       {url}"
    yield f"Dashboard: {url}/api/dashboard"
    if environment.is_on_scheduler:
        yield f"Scheduler: {SCHEDULER_DASHBOARD}"
    client_id = environment.text("FANOUT_AUTH_CLIENT_ID")
    if client_id:
        yield f"Sign-in:   {url}/.auth/login/aad, or for programs:"
        yield (
            f"           az account get-access-token --resource api://{client_id} "
            "--query accessToken --output tsv"
        )
        return
    group = environment.group.rpartition("/")[2]
    yield "Key:       it is not printed here; this prints it:"
    yield (
        f"           az functionapp keys list --resource-group {group} "
        f"--name {environment.text('AZURE_FUNCTION_NAME')} "
        "--query functionKeys.default --output tsv"
    )


def _is_stopped(environment: Environment) -> bool:
    """Whether somebody stopped the app; where Azure cannot be asked, it is taken to run."""
    name = environment.text("AZURE_FUNCTION_NAME")
    path = f"{environment.group}/providers/Microsoft.Web/sites/{name}?api-version={SITES_API}"
    try:
        found = call("get", path) or {}
    except ProgramError:
        return False
    return bool(found.get("properties", {}).get("state") == "Stopped")


def _check_health(environment: Environment) -> list[str]:
    try:
        wait_for_health(environment.text("FANOUT_URL"))
    except SmokeError as error:
        python = environment.text("FANOUT_PYTHON_VERSION")
        return [f"The app is not well: {error}. {HINT.format(python=python)}"]
    _say("Health:    ok")
    return []


def _subscribe(environment: Environment) -> list[str]:
    try:
        _say(f"Inbox:     subscribed to {subscribe(environment)}")
    except ProgramError as error:
        return [f"The inbox is not subscribed: {error}"]
    return []


def _unsubscribe(environment: Environment) -> None:
    try:
        for topic in unsubscribe(environment):
            _say(f"Inbox:     off; it is not subscribed to {topic} any more")
    except ProgramError as error:
        _say(f"Inbox:     off; whether a subscription is left is not known: {error}")


def _run_through(environment: Environment) -> list[str]:
    try:
        headers = credentials(environment)
    except ProgramError as error:
        _say(f"Smoke run: not tried: {error}")
        return []
    try:
        _say(f"Smoke run: {run_through(Api(environment.text('FANOUT_URL'), headers))}")
    except SmokeError as error:
        return [f"The smoke run failed: {error}"]
    return []


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Finish a deployment and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.scripts.postdeploy", description=__doc__)
    parser.parse_args(arguments)
    bear_any_text()
    try:
        faults = finish(os.environ)
    except SettingError as error:
        faults = [str(error)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
