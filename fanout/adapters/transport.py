"""How the clients of storage send their requests."""

import os
import urllib.request
from collections.abc import Mapping
from typing import Any

from azure.core.pipeline.transport import RequestsTransport

from fanout.adapters.bounded_http import bounded_session

# Where `requests` looks for certificates besides its own.
# Source: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# How long a socket may be silent, as the SDK of Blob storage has it.
_TIMEOUTS = {"connection_timeout": 20, "read_timeout": 60}


def make_transport(**options: Any) -> RequestsTransport:
    """Make what sends the requests of a client; its exchanges have deadlines."""
    environment = transport_options()
    session = bounded_session()
    session.trust_env = environment["use_env_settings"]
    return RequestsTransport(session=session, **{**_TIMEOUTS, **environment, **options})


def transport_options(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Options of a client: its certificates, and whether it looks for proxies at each request.

    To look at the environment takes a fifth of the processor time of a request. Certificates are
    named once here; where there is no proxy, nothing is left to look for.
    Source: https://learn.microsoft.com/python/api/azure-core/azure.core.pipeline.transport.requeststransport
    """
    if urllib.request.getproxies():
        return {"use_env_settings": True}
    bundles = [path for name in _CERTIFICATES if (path := environment.get(name))]
    certificates = {"connection_verify": bundles[0]} if bundles else {}
    return {"use_env_settings": False, **certificates}
