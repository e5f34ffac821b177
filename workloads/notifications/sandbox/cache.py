"""Templates that were used last, as many as fit into a bound of their memory."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from workloads.notifications.sandbox.environment import MessageTemplate

# About 600 bytes each, so that the templates that are kept take some 20 MB at most.
MAX_KEPT_NODES = 32_768
# What a template takes besides its nodes, and its text, told in nodes.
_BASE_NODES = 8
_NODE_CHARACTERS = 128


class TemplateCache:
    """Keeps what was compiled; several threads may use it."""

    def __init__(self, compile_one: Callable[[str, bool], MessageTemplate]) -> None:
        self._compile = compile_one
        self._templates: OrderedDict[tuple[str, bool], MessageTemplate] = OrderedDict()
        self._lock = Lock()
        self.nodes = 0

    def get(self, source: str, is_html: bool) -> MessageTemplate:
        """Give a template; compile it if it is not kept.

        Raises:
            TemplateError: It is none.
        """
        key = source, is_html
        with self._lock:
            if key in self._templates:
                self._templates.move_to_end(key)
                return self._templates[key]
        # Others need not wait for this; two that compile the same are no harm.
        return self._keep(key, self._compile(source, is_html))

    def _keep(self, key: tuple[str, bool], template: MessageTemplate) -> MessageTemplate:
        with self._lock:
            if key not in self._templates:
                self._templates[key] = template
                self.nodes += _measure(key[0], template)
            while self.nodes > MAX_KEPT_NODES:
                (source, _), oldest = self._templates.popitem(last=False)
                self.nodes -= _measure(source, oldest)
        return template


def _measure(source: str, template: MessageTemplate) -> int:
    return _BASE_NODES + template.nodes + len(source) // _NODE_CHARACTERS
