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

    It does so for proxies and certificates, which takes a fifth of the processor time of a request;
    where there are none, it need not.
    Source: https://learn.microsoft.com/python/api/azure-core/azure.core.pipeline.transport.requeststransport
    """
    has_certificates = any(environment.get(name) for name in _CERTIFICATES)
    return {"use_env_settings": has_certificates or bool(urllib.request.getproxies())}
