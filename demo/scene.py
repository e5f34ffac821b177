"""What each demo gets: a host that is starting, a folder, and a console."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from demo.host import EmbeddedHost


@dataclass(frozen=True)
class Scene:
    """The surroundings of a demo.

    Attributes:
        folder: Where the demo leaves its files.
    """

    host: EmbeddedHost
    folder: Path
    console: Console
