"""How long these tests go on."""

import pytest

LONG_FORM_SECONDS = 60


@pytest.fixture
def seconds(chaos_seconds: float) -> float:
    if chaos_seconds < LONG_FORM_SECONDS:
        pytest.skip(f"only in the long form: --chaos-seconds {LONG_FORM_SECONDS} or more")
    return chaos_seconds
