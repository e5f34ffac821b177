"""How the clients of storage send their requests."""

import os
import urllib.request
from collections.abc import Mapping
from typing import Any

# Where `requests` looks for certificates besides its own.
# Source: https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def transport_options(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Options of a client: whether it looks at the environment with each of its requests.

    It would do so for proxies and certificates, which takes a fifth of the processor time of a
    request. Where there are no proxies it need not; which certificates it trusts is looked up once.
    Source: https://learn.microsoft.com/python/api/azure-core/azure.core.pipeline.transport.requeststransport
    """
    certificates = next(filter(None, map(environment.get, _CERTIFICATES)), None)
    options: dict[str, Any] = {"use_env_settings": bool(urllib.request.getproxies())}
    return options if certificates is None else {**options, "connection_verify": certificates}
