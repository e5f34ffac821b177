"""The resource providers that a deployment needs, and their registration in the subscription.

A deployment registers most of them by itself; `Microsoft.App`, which a subnet is delegated to, it
does not.
"""

import time
from collections.abc import Iterable

from infra.scripts.environment import Environment
from infra.scripts.programs import ProgramError, call

API = "2021-04-01"
REGISTERED = "Registered"
MAX_SECONDS = 300.0
PAUSE_SECONDS = 5.0
# Every subscription has these.
BY_DEFAULT = {"Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.Resources"}
ALWAYS = (
    "Microsoft.Insights",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
)
# By the switch that asks for it.
BY_SWITCH = {
    "FANOUT_INBOX": ("Microsoft.EventGrid",),
    "FANOUT_SERVICE_BUS_ENABLED": ("Microsoft.ServiceBus",),
    "VNET_ENABLED": ("Microsoft.App", "Microsoft.Network"),
}
OF_VAULT = "Microsoft.KeyVault"
OF_SCHEDULER = "Microsoft.DurableTask"


def needed_providers(environment: Environment) -> list[str]:
    """Name the providers of a deployment."""
    names = list(ALWAYS)
    for switch, some in BY_SWITCH.items():
        names += some if environment.is_on(switch) else ()
    names += [OF_VAULT] if environment.text("FANOUT_VAULT_SETTINGS") else []
    names += [OF_SCHEDULER] if environment.is_on_scheduler else []
    return sorted(names)


def register(subscription: str, names: Iterable[str]) -> list[str]:
    """Register what is not, and wait until it is; return what was registered.

    Raises:
        ProgramError: Azure cannot be asked, refuses, or takes too long.
    """
    lacking = [name for name in names if _state(subscription, name) != REGISTERED]
    for name in lacking:
        call("post", f"{_path(subscription, name)}/register?api-version={API}")
    end = time.monotonic() + MAX_SECONDS
    for name in lacking:
        while _state(subscription, name) != REGISTERED:
            if time.monotonic() > end:
                raise ProgramError(f"{name} is not registered after {MAX_SECONDS:.0f} s")
            time.sleep(PAUSE_SECONDS)
    return lacking


def regions_of(subscription: str, name: str, kind: str) -> list[str]:
    """List where a provider has resources of a kind, by the names that people see.

    Raises:
        ProgramError: Azure cannot be asked.
    """
    answer = call("get", f"{_path(subscription, name)}?api-version={API}")
    kinds = {str(each["resourceType"]).lower(): each for each in answer.get("resourceTypes", [])}
    return [str(region) for region in kinds.get(kind.lower(), {}).get("locations", [])]


def _path(subscription: str, name: str) -> str:
    return f"{subscription}/providers/{name}"


def _state(subscription: str, name: str) -> str:
    answer = call("get", f"{_path(subscription, name)}?api-version={API}")
    return str(answer.get("registrationState"))
