"""Consoles that print no text of others as it is: `cli.printable` comes before all of it."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook
from rich.markup import escape
from rich.segment import Segment

from cli.printable import is_visible, make_visible


def make_markup(text: object) -> str:
    """A text as it stands, for output that has markup."""
    return escape(make_visible(str(text)))


class VisibleHook(RenderHook):
    """Lets no console print what would steer the terminal, but what the console itself makes."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Wrap all that is printed."""
        return [_Visible(renderable) for renderable in renderables]


class _Visible:
    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for segment in console.render(self._renderable, options):
            if segment.control or is_visible(segment.text):
                yield segment
            else:
                yield Segment(make_visible(segment.text), segment.style)


def make_console(*, is_error: bool = False) -> Console:
    """Make a console for standard output, or for standard error."""
    console = Console(stderr=is_error, highlight=False)
    console.push_render_hook(VisibleHook())
    return console
