"""`python -m localhost.stack.broker`: the development broker by itself, until it is told to end."""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

from localhost.stack.broker import config
from localhost.stack.broker.server import Server, connection_string
from localhost.stack.broker.store import StoreError

PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the broker; return its exit code."""
    options = _parser().parse_args()
    if options.parent is not None:
        _end_with(options.parent)
    try:
        server = Server(config.read(options.entities), options.data, options.port, _announce)
        for path in server.undeclared_queues:
            print(f"No longer declared, its messages are kept: {path}", flush=True)
        server.run()
    except (config.ConfigError, StoreError, OSError) as error:
        print(f"The Service Bus broker cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localhost.stack.broker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the broker's file")
    parser.add_argument("--entities", type=Path, required=True, help="JSON of queues and topics")
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0: a free one")
    parser.add_argument("--parent", type=int, help="process id to end with (Linux)")
    return parser


def _announce(port: int) -> None:
    print(f"The Service Bus broker listens on 127.0.0.1:{port}", flush=True)
    print(f"Connection string: {connection_string(port)}", flush=True)


def _end_with(parent: int) -> None:
    """Be sent SIGTERM when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
