"""The command line as a process, and a user of it beside the running product."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.hosts.hosts import patient
from tests.support.hosts.product import DEADLINE_SECONDS, Product, new_container
from tests.support.hosts.running_product import keyed_product_on

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "cli"]


@dataclass
class Shell:
    """A user of the command line."""

    product: Product
    key: str
    home: Path
    storage: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "FANOUT_URL": self.product.host.origin,
            "FANOUT_KEY": self.key,
            "FANOUT_STORAGE": self.storage,
            "COLUMNS": "160",
        }

    def __call__(
        self, *words: str | bytes, code: int = 0, stdin: str | bytes = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        raw = subprocess.run(
            [*COMMAND, *words],
            cwd=ROOT,
            env=self.environment | environment,
            input=data,
            capture_output=True,
            timeout=patient(DEADLINE_SECONDS),
            check=False,
        )
        done = subprocess.CompletedProcess(
            raw.args, raw.returncode, raw.stdout.decode(), raw.stderr.decode()
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        assert self.key not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def lines(self, *words: str, code: int = 0, **environment: str) -> list[Any]:
        done = self(*words, "--json", code=code, **environment)
        return [json.loads(line) for line in done.stdout.split("\n")[:-1]]

    def request_of(self, run_id: str) -> dict[str, Any]:
        """The request of a run, as the app keeps it."""
        key = {"x-functions-key": self.key}
        answer = self.product.host.request("GET", f"/api/runs/{run_id}/request", b"", key)
        assert answer.status == 200, answer.body
        return dict(answer.json)


@contextmanager
def shell_on(storage: str, folder: Path) -> Iterator[Shell]:
    """A user of the command line, with a key, beside a product, with runs of its own if it can."""
    with keyed_product_on(storage, folder, FANOUT_RUNS_CONTAINER=new_container("cli")) as (
        product,
        key,
    ):
        if not product.blobs.get_container_client("inbox").exists():
            product.blobs.create_container("inbox")
        yield Shell(product, key, folder, storage)
