"""How often an activity is tried again when infrastructure, not an item, fails."""

import azure.durable_functions as df

FIRST_INTERVAL_MS = 2000
MAX_ATTEMPTS = 5


def infrastructure() -> df.RetryOptions:
    """Five attempts, two seconds apart; SDK 1.x knows no back-off."""
    return df.RetryOptions(FIRST_INTERVAL_MS, MAX_ATTEMPTS)
