"""The environment of templates: it compiles, and looks up and calls what a template may use."""

from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, LoopContext, Macro, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Joiner, missing, pass_context

from fanout.printable import describe_error
from workloads.notifications.sandbox.budget import ELEMENT, STEP, Budget, require_short
from workloads.notifications.sandbox.checks import CHECKS
from workloads.notifications.sandbox.context import RenderContext
from workloads.notifications.sandbox.filters import FILTERS
from workloads.notifications.sandbox.functions import FUNCTIONS, Function
from workloads.notifications.sandbox.limits import check_tree
from workloads.notifications.sandbox.methods import OBJECT_METHODS, Method, find_attribute
from workloads.notifications.sandbox.operators import OPERATIONS, SYMBOLS, operate
from workloads.notifications.sandbox.tree import price_tree
from workloads.notifications.sandbox.weights import SEQUENCES, TEXTS, require_scalar

_INDEXED = SEQUENCES | TEXTS | {dict}
_CALL = 4 * STEP


class MessageTemplate(Template):
    """A template, once it is compiled.

    Attributes:
        nodes: How many nodes its tree has.
    """

    nodes: int


class Sandbox(ImmutableSandboxedEnvironment):
    """Templates that can do what is on our lists, and that for a price."""

    context_class = RenderContext
    intercepted_binops = SYMBOLS

    def __init__(self, *, is_html: bool) -> None:
        # Unoptimised: the compiler would work out what is constant, however large it gets.
        super().__init__(
            undefined=StrictUndefined,
            autoescape=is_html,
            keep_trailing_newline=True,
            optimized=False,
        )
        self.filters = {n: pass_context(f) for n, f in (FILTERS | OPERATIONS).items()}
        self.tests = {name: pass_context(check) for name, check in CHECKS.items()}
        self.globals = dict(FUNCTIONS)

    def compile_source(self, source: str) -> MessageTemplate:
        """Compile a template.

        Raises:
            TemplateError: It is none, or one of its parts is not for messages.
        """
        try:
            return self._compile_tree(self.parse(source))
        except TemplateError:
            raise
        except (RecursionError, MemoryError) as error:
            raise TemplateError("it is nested too deep") from error
        except SyntaxError as error:
            raise TemplateError(f"it does not compile: {error.msg}") from error
        # Jinja makes Python's code of it, which may fail in any way.
        except Exception as error:
            raise TemplateError(f"it does not compile: {describe_error(error)}") from error

    def _compile_tree(self, tree: nodes.Template) -> MessageTemplate:
        count = check_tree(tree)
        price_tree(tree)
        template = self.from_string(tree, template_class=MessageTemplate)
        assert isinstance(template, MessageTemplate)  # noqa: S101
        template.nodes = count
        return template

    def render_pieces(self, template: Template, fields: dict[str, Any]) -> Any:
        """Render with a budget; gives the pieces of the text."""
        context = RenderContext(self, {**self.globals, **fields}, None, template.blocks)
        context.budget = Budget()
        return template.root_render_func(context)

    def call_binop(  # type: ignore[override]  # its contexts are ours
        self, context: RenderContext, operator: str, left: Any, right: Any
    ) -> Any:
        """Apply an operator; see `operate`."""
        return operate(context.budget, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look up `obj.attribute`: what is on our lists, and what an object has under it."""
        if type(obj) is dict and attribute in obj and attribute not in OBJECT_METHODS:
            return obj[attribute]
        value = find_attribute(obj, attribute)
        return self._find_item(obj, attribute) if value is missing else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up `obj[argument]`: what an object or list has there, or what is on our lists."""
        value = self._find_item(obj, argument)
        if isinstance(value, Undefined) and type(argument) is str:
            attribute = find_attribute(obj, argument)
            return value if attribute is missing else attribute
        return value

    def _find_item(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj[argument]
        require_scalar(argument)
        if type(obj) in _INDEXED or isinstance(obj, TemplateReference):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call(  # type: ignore[override]
        self, context: RenderContext, obj: Any, /, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a method, function or macro."""
        context.budget.spend(_CALL + ELEMENT * (len(args) + 2 * len(kwargs)))
        if isinstance(obj, Method | Function):
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            first = (obj.owner,) if isinstance(obj, Method) else ()
            return obj.operation(context, *first, *args, **kwargs)
        if isinstance(obj, Macro | LoopContext | BlockReference | Joiner | Undefined):
            return require_short(context.call(obj, *args, **kwargs))
        raise SecurityError(f"a {type(obj).__name__} is nothing to call")
