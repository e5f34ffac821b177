"""Versions: of Python, of the libraries that the host looks at, and of the extension bundle."""

import platform
import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version

from fanout.models.answers import Finding
from starters.diagnosis.findings import Installation, error, good, warning

LIBRARIES = ("azure-functions", "azure-functions-durable")
BUNDLE = "Microsoft.Azure.Functions.ExtensionBundle"
# The bundle with the Durable extension that this app was driven on.
BUNDLE_MAJOR = 4
PYTHONS = ("3.11", "3.12", "3.13")
_RANGE = re.compile(r"([\[(])\s*(\d+)[^,]*,\s*(\d*)[^\])]*([\])])")


def find_versions(installation: Installation) -> dict[str, str]:
    """The versions that somebody who looks for a fault asks for first."""
    found = {"python": platform.python_version()}
    found |= {name: text for name in LIBRARIES if (text := installed_version(name)) is not None}
    found["extension-bundle"] = str(installation.find("extensionBundle/version", "none"))
    return found


def installed_version(name: str) -> str | None:
    """The version of a library; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_versions(
    installation: Installation,
    python: str = platform.python_version(),
    find: Callable[[str], str | None] = installed_version,
) -> list[Finding]:
    """Compare versions with those that the app was tested on."""
    libraries = [_check_library(name, find(name), installation.pins) for name in LIBRARIES]
    return [_check_python(python), *libraries, _check_bundle(installation)]


def _check_python(python: str) -> Finding:
    if python.rpartition(".")[0] in PYTHONS:
        return good("versions.python", f"Python {python}")
    return error(
        "versions.python",
        f"Python {python}; the app runs on {', '.join(PYTHONS)}.",
        f"Give the app Python {PYTHONS[0]} (pythonVersion in infra/), and deploy it again.",
    )


def _check_library(name: str, installed: str | None, pins: Mapping[str, frozenset[str]]) -> Finding:
    check = f"versions.{name}"
    if installed is None:
        remedy = "Deploy the app again, with a build of requirements.txt."
        return error(check, f"{name} is not installed.", remedy)
    wanted = pins.get(name, frozenset())
    if wanted and installed not in wanted:
        return warning(
            check,
            f"{name} is {installed}; requirements.txt has {' or '.join(sorted(wanted))}.",
            "Deploy the app again: what runs was built from other requirements.",
        )
    return good(check, f"{name} {installed}")


def _check_bundle(installation: Installation) -> Finding:
    check = "versions.bundle"
    name, text = (str(installation.find(f"extensionBundle/{key}", "")) for key in ("id", "version"))
    if name != BUNDLE:
        return error(
            check,
            "host.json asks for no extension bundle, so there is no Durable extension.",
            f'Let "extensionBundle" have the id {BUNDLE} and the version [4.*, 5.0.0).',
        )
    if not _allows(text):
        return error(
            check,
            f"host.json asks for the bundle {text or 'without a version'}; it takes 4.x.",
            'Let "extensionBundle" have the version [4.*, 5.0.0).',
        )
    return good(check, f"extension bundle {text}")


def _allows(text: str) -> bool:
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return False
    _, least, most, bracket = match.groups()
    # What the range ends with is no part of it, but for a bracket of the other kind.
    ends = BUNDLE_MAJOR + 1 if most == "" else int(most) + (bracket == "]")
    return int(least) <= BUNDLE_MAJOR < ends
