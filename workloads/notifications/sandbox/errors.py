"""What a template and a recipient's fields may end as."""

from fanout.errors import PermanentError


class RenderError(PermanentError):
    """A template and a recipient's fields do not make a message."""


class TemplateLimitError(RenderError):
    """A template asks for more work or a larger value than a rendering may have."""
