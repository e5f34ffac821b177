"""The variables of the repository that azd knows, as lines of GitHub's environment file.

A list of them in the workflow would have to grow with every parameter of the template, and whoever
forgot it would set a variable that does nothing. What is not set stays away, so that the template's
own default holds.
"""

import json
import os
import re
import sys

KNOWN = re.compile(r"(AZURE|AZD|FANOUT|VNET)_[A-Z0-9_]+")
NEEDED = (
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_ENV_NAME",
    "AZURE_LOCATION",
)


def environment(variables: dict[str, str]) -> list[str]:
    """The lines.

    Raises:
        ValueError: One that is needed is not there, or a value would be more than a line.
    """
    known = {name: value for name, value in variables.items() if KNOWN.fullmatch(name) and value}
    lacking = [name for name in NEEDED if name not in known]
    if lacking:
        raise ValueError(f"the repository lacks the variables {', '.join(lacking)}")
    # A second line would set another variable, of whatever name.
    long = [name for name, value in known.items() if len(value.splitlines()) != 1]
    if long:
        raise ValueError(f"more than a line: {', '.join(long)}")
    return [f"{name}={value}" for name, value in sorted(known.items())]


if __name__ == "__main__":
    try:
        lines = environment(json.loads(os.environ["VARIABLES"]))
    except ValueError as error:
        sys.exit(f"::error::{error}; see docs/how-to/pipeline.md")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
