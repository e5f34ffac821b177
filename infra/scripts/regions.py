"""Whether a region has what a deployment asks for: Flex Consumption, a Python, a scheduler, cores.

What cannot be asked is no fault: the deployment itself will tell.
"""

from collections.abc import Iterator

from infra.scripts.environment import Environment
from infra.scripts.programs import ProgramError, az, call
from infra.scripts.providers import OF_SCHEDULER, regions_of

QUOTA_API = "2024-11-01"
# Of an instance, by its memory in MB.
CORES = {512: 0.25, 2048: 1.0, 4096: 2.0}


def region_faults(environment: Environment) -> Iterator[str]:
    """Say what a deployment would fail for, in the region that was chosen."""
    region = environment.text("AZURE_LOCATION")
    flex = _regions_of_flex(environment)
    if flex and _plain(region) not in flex:
        yield (
            f"{region} has no Flex Consumption. `azd env set AZURE_LOCATION` to one of: "
            + ", ".join(sorted(flex))
        )
        return
    pythons = _pythons(environment, region)
    wanted = environment.text("FANOUT_PYTHON_VERSION")
    if pythons and wanted and wanted not in pythons:
        yield (
            f"{region} has no Python {wanted} on Flex Consumption. "
            f"`azd env set FANOUT_PYTHON_VERSION` to one of: {', '.join(sorted(pythons))}"
        )
    if environment.is_on_scheduler:
        yield from _scheduler_faults(environment, region)


def quota_notes(environment: Environment) -> Iterator[str]:
    """Say where the cores of the region would not be enough.

    That hinders no deployment: instances beyond the quota do not start.

    Raises:
        ProgramError: Azure cannot be asked.
    """
    region = environment.text("AZURE_LOCATION")
    path = f"{environment.subscription}/providers/Microsoft.Web/locations/{region}/usages"
    usages = (call("get", f"{path}?api-version={QUOTA_API}") or {}).get("value", [])
    # Of the list, the quota of Flex Consumption alone counts cores.
    cores = [each for each in usages if "core" in str(each.get("unit", "")).lower()]
    wanted = environment.number("FANOUT_MAXIMUM_INSTANCES") * _cores(environment)
    ready = environment.number("FANOUT_DURABLE_ALWAYS_READY") * _cores(environment)
    for each in cores:
        limit, used = float(each["limit"]), float(each["currentValue"])
        if ready > limit - used:
            yield f"{region}: {used:g} of {limit:g} cores are used, {ready:g} are to be ready"
        elif wanted > limit:
            yield (
                f"{region}: your Flex apps share {limit:g} cores; FANOUT_MAXIMUM_INSTANCES asks "
                f"for {wanted:g} in each scale group. What is beyond the quota does not start"
            )


def _cores(environment: Environment) -> float:
    return CORES.get(environment.number("FANOUT_INSTANCE_MEMORY_MB"), 1.0)


def _plain(region: str) -> str:
    """A region as programs name it: `East US 2` is `eastus2`."""
    return region.replace(" ", "").lower()


def _regions_of_flex(environment: Environment) -> set[str]:
    try:
        found = az("functionapp", "list-flexconsumption-locations", *_subscription(environment))
    except ProgramError:
        return set()
    return {_plain(str(each["name"])) for each in found or [] if "name" in each}


def _pythons(environment: Environment, region: str) -> set[str]:
    asked = ("--location", region, "--runtime", "python", *_subscription(environment))
    try:
        found = az("functionapp", "list-flexconsumption-runtimes", *asked)
    except ProgramError:
        return set()
    return {str(each["version"]) for each in found or [] if "version" in each}


def _scheduler_faults(environment: Environment, region: str) -> Iterator[str]:
    chosen = environment.text("FANOUT_SCHEDULER_LOCATION") or region
    try:
        regions = regions_of(environment.subscription, OF_SCHEDULER, "schedulers")
    except ProgramError:
        return
    if regions and _plain(chosen) not in {_plain(each) for each in regions}:
        yield (
            f"{chosen} has no Durable Task Scheduler. `azd env set FANOUT_SCHEDULER_LOCATION` to "
            f"one of: {', '.join(sorted(_plain(each) for each in regions))}"
        )


def _subscription(environment: Environment) -> tuple[str, str]:
    return "--subscription", environment.text("AZURE_SUBSCRIPTION_ID")
