"""A proxy before the storage emulator that refuses a share of its calls with 503."""

import random
import re
from collections.abc import Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

HOP_HEADERS = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
}
_BLOB_ORIGIN = re.compile(r"BlobEndpoint=(http://[^/;]+)/")
# Signed with the request, so none may be added to it.
AUTO_HEADERS = ("Content-Type", "Accept", "Accept-Encoding", "User-Agent")
REFUSED = (
    '<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code>'
    "<Message>Refused on purpose (--faults).</Message></Error>"
)


class FaultyProxy:
    """Serves on a free loopback port what another origin serves, but for a share of the calls.

    Args:
        addresses: Connection strings by setting; the calls go to their blob endpoint.
        share: The share that is refused, 0 to 1.
        seed: What the refused ones are drawn from.
    """

    def __init__(self, addresses: Mapping[str, str], share: float, seed: int | None = None) -> None:
        self._addresses = addresses
        self._origin = ""
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  no secret is drawn from it
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self.refusal_count = 0

    async def start(self) -> dict[str, str]:
        """Start, and return the connection strings to use instead."""
        matches = [_BLOB_ORIGIN.search(text) for text in self._addresses.values()]
        self._origin = next((match[1] for match in matches if match is not None), "")
        self._session = ClientSession(
            connector=TCPConnector(limit=0),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=ClientTimeout(),
        )
        application = web.Application(client_max_size=0)
        application.router.add_route("*", "/{tail:.*}", self._forward)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        blob_endpoint = rf"BlobEndpoint=http://127.0.0.1:{port}/"
        return {
            name: _BLOB_ORIGIN.sub(blob_endpoint, text) for name, text in self._addresses.items()
        }

    async def stop(self) -> None:
        """Stop."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self._random.random() < self._share:
            self.refusal_count += 1
            busy = {"x-ms-error-code": "ServerBusy", "Retry-After": "0"}
            return web.Response(status=503, text=REFUSED, headers=busy)
        url = URL(self._origin + request.raw_path, encoded=True)
        assert self._session is not None  # noqa: S101  it is there from start to stop
        # The shared key signs the path, not the host, so it stays right. It signs the length too.
        request_headers = _end_to_end_headers(request.headers)
        if body or "Content-Length" in request.headers:
            request_headers["Content-Length"] = str(len(body))
        try:
            async with self._session.request(
                request.method,
                url,
                headers=request_headers,
                data=body or None,
                skip_auto_headers=AUTO_HEADERS,
            ) as answer:
                headers = _end_to_end_headers(answer.headers)
                content = await answer.read()
                if request.method == "HEAD" and "Content-Length" in answer.headers:
                    headers["Content-Length"] = answer.headers["Content-Length"]
                return web.Response(status=answer.status, body=content, headers=headers)
        except ClientError as error:
            return web.Response(status=502, text=f"The storage emulator did not answer: {error}")


def _end_to_end_headers(headers: "CIMultiDictProxy[str]") -> "CIMultiDict[str]":
    """The headers that are not about one connection alone; repeated ones stay so."""
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() not in HOP_HEADERS)
