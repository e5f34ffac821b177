"""What reading rows of Parquet raises; whoever catches it need not import PyArrow."""

from fanout.errors import FanoutError


class CutTooLargeError(FanoutError):
    """The rows of a cut take too much memory to be read at once; a half of them may not."""
