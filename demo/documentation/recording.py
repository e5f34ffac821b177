"""`make screenshots`, second part: `fanout watch` on a terminal, from a real run."""

import os
import sys
import tempfile
from pathlib import Path

from demo.api import Api
from demo.documentation.screenshots import APP, IMAGES, make_request, seats
from demo.documentation.terminal import draw_svg, record
from demo.errors import DemoError
from demo.host import EmbeddedHost

NAME = "watch"
TITLE = "fanout watch: a bar with rate, failures and time left, then the summary"
SIZE = (100, 24)
SECONDS = 60.0
MAX_BYTES = 200_000


def main() -> int:
    """Make the recording and return the exit code."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedHost(Path(folder), app=APP) as host,
    ):
        try:
            origin = host.wait_until_ready()
            source = seats(1_500, busy_every=9, taken_every=211)
            request = make_request("autumn-fair", source, tolerance={"percentage": 5})
            run_id = Api(origin).start(request)
            command = [sys.executable, "-m", "cli", "--url", origin, "watch", run_id]
            frames = record(command, os.environ, SIZE, SECONDS)
        except DemoError as error:
            print(f"{error}\n\n{host.last_words()}", file=sys.stderr)
            return 1
    svg = draw_svg(frames, TITLE)
    if len(svg) > MAX_BYTES:
        print(f"The recording has {len(svg)} bytes.", file=sys.stderr)
        return 1
    (IMAGES / f"{NAME}.svg").write_text(svg, encoding="utf-8")
    print(f"docs/images/{NAME}.svg  {len(svg) / 1000:.0f} kB, {len(frames)} frames")
    return 0


if __name__ == "__main__":
    sys.exit(main())
