"""Hooks of azd (`azure.yaml`) and what is done by hand beside them, on the standard library.

`python -m infra.scripts.NAME --help` tells what each does.
"""

import sys

# azd itself is content with 3.7, and whatever is first on the PATH runs the hooks.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("The hooks need Python 3.11 or newer; the first python3 on the PATH is older.")
