"""`make screenshots`, second part: `fanout watch` on a terminal, from a real run."""

import os
import sys
import tempfile
from pathlib import Path

from demo.api import Api
from demo.errors import DemoError
from demo.host import EmbeddedHost
from demo.screenshots import APP, IMAGES, asked, seats
from demo.terminal import record, svg

NAME = "watch"
SIZE = (100, 24)
SECONDS = 60.0
MOST_BYTES = 200_000


def main() -> int:
    """Make the recording and return the exit code."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedHost(Path(folder), app=APP) as host,
    ):
        try:
            origin = host.wait_until_ready()
            source = seats(1_500, busy_every=9, taken_every=211)
            request = asked("autumn-fair", source, tolerance={"percentage": 5})
            run_id = Api(origin).start(request)
            command = [sys.executable, "-m", "cli", "--url", origin, "watch", run_id]
            recorded = record(command, os.environ, SIZE, SECONDS)
        except DemoError as error:
            print(f"{error}\n\n{host.last_words()}", file=sys.stderr)
            return 1
    drawn = svg(recorded, "fanout watch: a bar with rate, failures and time left, then the summary")
    if len(drawn) > MOST_BYTES:
        print(f"The recording has {len(drawn)} bytes.", file=sys.stderr)
        return 1
    (IMAGES / f"{NAME}.svg").write_text(drawn, encoding="utf-8")
    print(f"docs/images/{NAME}.svg  {len(drawn) / 1000:.0f} kB, {len(recorded)} frames")
    return 0


if __name__ == "__main__":
    sys.exit(main())
