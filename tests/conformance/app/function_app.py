"""One small function for everything that the Python SDK of Durable Functions offers.

No code of the product: azure-functions-durable alone. The cases beside it start these functions and
record what can be seen of them from outside.
"""

import attempts  # noqa: F401
import azure.durable_functions as df
import azure.functions as func
import children  # noqa: F401
import client  # noqa: F401
import clocks  # noqa: F401
import contexts  # noqa: F401
import counters  # noqa: F401
import generations  # noqa: F401
import misuse  # noqa: F401
import sets  # noqa: F401
import triggers
import values  # noqa: F401
import waits  # noqa: F401
import web  # noqa: F401

import activities  # noqa: F401

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(triggers.bp)
