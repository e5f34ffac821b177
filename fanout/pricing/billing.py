"""How platforms round what they bill.

Sources: https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing (a second
at least, then steps of 100 ms), https://aws.amazon.com/lambda/pricing/ (steps of 1 ms),
https://aws.amazon.com/step-functions/pricing/ (Express: steps of 100 ms).
"""

from math import ceil

LEAST_BILLED_MS = 1_000
STEP_MS = 100


def billed_ms(milliseconds: float) -> int:
    """What Flex Consumption bills for one execution."""
    return max(LEAST_BILLED_MS, in_steps(milliseconds, STEP_MS))


def in_steps(amount: float, step: int) -> int:
    """An amount rounded up to whole steps."""
    return ceil(amount / step) * step
