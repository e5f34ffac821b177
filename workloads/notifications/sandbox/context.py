"""What one rendering has: its variables and its budget."""

from typing import Any

from jinja2.runtime import Context

from workloads.notifications.sandbox.budget import Budget


class RenderContext(Context):
    """The variables of one rendering, and what work is left to it."""

    budget: Budget

    def derived(self, locals: dict[str, Any] | None = None) -> "RenderContext":
        """Derive the context of a block, which has the same budget."""
        context = super().derived(locals)
        assert isinstance(context, RenderContext)  # noqa: S101
        context.budget = self.budget
        return context
