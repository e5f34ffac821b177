"""The calls of the HTTP API, as the command line makes them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cli.documents import write_document
from cli.errors import ApiError, CommandError
from cli.settings import ClientSettings

Json = dict[str, Any]
TIMEOUT_SECONDS = 60.0
TRIES = 4


@dataclass(frozen=True)
class Look:
    """An answer of whatever status.

    Attributes:
        body: What it says; empty where that is no JSON object.
        date: When it was sent by the clock of who sent it, as in HTTP; None where it has none.
    """

    status: int
    body: Json
    date: str | None


class Api:
    """A client of one app.

    Args:
        settings: The address of the app, and its key or token.
    """

    def __init__(self, settings: ClientSettings) -> None:
        headers = {"User-Agent": "fanout-cli"}
        if settings.key:
            headers["x-functions-key"] = settings.key
        if settings.token:
            headers["Authorization"] = f"Bearer {settings.token}"
        self._url = settings.url
        # Only a request that could not connect is sent again.
        transport = httpx.HTTPTransport(retries=TRIES)
        with self._translate_errors():
            self._client = httpx.Client(
                base_url=f"{settings.url}/api/",
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                transport=transport,
            )

    def get(self, path: str, **parameters: Any) -> Json:
        """GET; parameters that are None are left out.

        Raises:
            ApiError: The API refused the call.
            CommandError: The app does not answer.
        """
        return self._call("GET", path, parameters=parameters)

    def look(self, path: str) -> Look:
        """GET a path from the root, whatever is answered.

        Raises:
            CommandError: Nobody answers.
        """
        with self._translate_errors():
            response = self._client.get(f"{self._url}{path}")
        try:
            body = response.json()
        except ValueError:
            body = None
        date = response.headers.get("date")
        return Look(response.status_code, body if isinstance(body, dict) else {}, date)

    def post(
        self,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Json:
        """POST JSON; raises what `get` does."""
        return self._call("POST", path, body=body, headers=headers, parameters=parameters)

    def patch(self, path: str, body: Any) -> Json:
        """PATCH JSON; raises what `get` does."""
        return self._call("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        """DELETE; raises what `get` does."""
        self._call("DELETE", path)

    def iterate(self, path: str, field: str, **parameters: Any) -> Iterator[Json]:
        """GET page after page, and yield what a field of each lists; raises what `get` does."""
        for page in self.pages(path, **parameters):
            yield from page[field]

    def pages(self, path: str, **parameters: Any) -> Iterator[Json]:
        """GET page after page; raises what `get` does."""
        continuation = None
        while True:
            page = self.get(path, continuation=continuation, **parameters)
            yield page
            continuation = page["continuation"]
            if continuation is None:
                return

    @contextmanager
    def stream(self, path: str) -> Iterator[Iterator[bytes]]:
        """GET a file in pieces; raises what `get` does."""
        with self._translate_errors(), self._client.stream("GET", path) as response:
            if response.is_error:
                response.read()
                raise _api_error(response)
            yield response.iter_bytes()

    def _call(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        query = {name: value for name, value in (parameters or {}).items() if value is not None}
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
        with self._translate_errors():
            content = None if body is None else write_document(body)
            response = self._client.request(
                method, path, params=query, content=content, headers=_as_bytes(sent)
            )
        if response.is_error:
            raise _api_error(response)
        return self._document(response)

    def _document(self, response: httpx.Response) -> Json:
        if not response.content:
            return {}
        try:
            return dict(response.json())
        except (ValueError, TypeError) as error:
            raise CommandError(
                f"{self._url} answers with something else than JSON: it is no Fanout app, or there "
                "is something between (--url, FANOUT_URL)."
            ) from error

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except httpx.LocalProtocolError as error:  # its text has the value, which may be secret
            raise CommandError(
                "A header cannot be sent: the key, the token or the idempotency key has a line "
                "break or another character that no header may have."
            ) from error
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise CommandError(
                f"{self._url} does not answer: {reason}. Is it the right address (--url, "
                "FANOUT_URL), and is the app running?"
            ) from error
        except UnicodeEncodeError as error:
            # The query and headers; a body can say anything.
            text = error.object[error.start : error.end]
            raise CommandError(
                f"{text!a} cannot be sent in an address or a header: an argument or a setting of "
                "the environment has it."
            ) from error
        except httpx.InvalidURL as error:
            raise CommandError(f"'{self._url}' is no address: {error}.") from error


def _as_bytes(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Headers as they were typed: the app says of odd bytes what is wrong with them."""
    return {n.encode(): value.encode(errors="surrogateescape") for n, value in headers.items()}


def run_path(run_id: str, *rest: str) -> str:
    """The path of a run, or of a part of it; the rest may have slashes."""
    names = (quote(name, errors="surrogatepass") for name in rest)
    return "/".join(["runs", quote(run_id, safe="", errors="surrogatepass"), *names])


def _api_error(response: httpx.Response) -> ApiError:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        return ApiError(response.status_code, response.reason_phrase, _hint(response.status_code))
    return ApiError(
        status=response.status_code,
        title=str(problem.get("title", response.reason_phrase)),
        detail=str(problem.get("detail", "")),
        faults=[(str(e["field"]), str(e["message"])) for e in problem.get("errors", [])],
        problem=problem,
    )


def _hint(status: int) -> str:
    match status:
        case 401:
            return "it asks for a key (--key, FANOUT_KEY) or a sign-in (FANOUT_TOKEN)."
        case 403:
            return "you may not do this."
        case 404:
            return "there is nothing at this address; is it the app's (--url, FANOUT_URL)?"
    return "the app gave no reason."
