"""The calls of the HTTP API that the demo needs."""

import json
import urllib.error
import urllib.request
from typing import Any

from demo.errors import DemoError

TIMEOUT_SECONDS = 60


class Api:
    """The runs of an app.

    Args:
        origin: The address of the app: ``http://localhost:7071``.
    """

    def __init__(self, origin: str) -> None:
        self._base = f"{origin}/api/runs"

    def start(self, request: dict[str, Any]) -> str:
        """Start a run and return its id."""
        return str(self._send(self._base, request)["run_id"])

    def status(self, run_id: str) -> dict[str, Any]:
        """Get the status of a run."""
        return self._send(f"{self._base}/{run_id}")

    def results(self, run_id: str) -> dict[str, Any]:
        """List the result files of a run that has ended."""
        return self._send(f"{self._base}/{run_id}/results")

    def _send(self, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is the host's own
            url, data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
                document: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise DemoError(f"{request.get_method()} {url}: {error.code}\n{text}") from error
        except OSError as error:
            raise DemoError(f"{request.get_method()} {url}: {error}") from error
        return document
