"""The files of the room infra/."""

from pathlib import Path

from tests.support.bicep import BicepFile, read_bicep

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
MODULES = sorted((INFRA / "modules").glob("*.bicep"))
BICEP = [MAIN, *MODULES]


def module(name: str) -> BicepFile:
    """A module by its name."""
    return read_bicep(INFRA / "modules" / f"{name}.bicep")
