"""A mail server that answers one stage of a conversation as a test says."""

import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.support.services.serving import serve


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    said: Mapping[str, str]


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self._say("220 ready")
        for line in self.rfile:
            stage = line.split(b":")[0].split()[0].decode().upper()
            if stage == "QUIT" and stage not in self.server.said:
                return
            usual = "354 go on" if stage == "DATA" else "250 fine"
            answer = self.server.said.get(stage, usual)
            if not answer:
                return
            self._say(answer)
            if answer.startswith("354"):
                for text in self.rfile:
                    if text == b".\r\n":
                        break
                self._say(self.server.said.get(".", "250 taken"))

    def _say(self, answer: str) -> None:
        self.wfile.write(answer.encode() + b"\r\n")


@contextmanager
def scripted_smtp(said: Mapping[str, str]) -> Iterator[int]:
    """Serve on a port of its own; `said` has answers by stage (``.`` is the end of the data)."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.said = said
    with serve(server) as port:
        yield port
