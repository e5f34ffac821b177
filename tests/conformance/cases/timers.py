"""Durable timers."""

from tests.conformance.cases.retries import FOR_EVER_SECONDS
from tests.conformance.registry import simple

for _key in ("past", "zero", "second", "aware", "micro", "naive", "epoch"):
    simple(f"timer_{_key}", "o_timer", _key, 15)
for _key in ("week", "year", "max"):
    simple(f"timer_{_key}", "o_timer", _key, 6)
for _name in ("timer_cancel", "timer_left", "timer_cancel_done"):
    simple(_name, f"o_{_name}", seconds=25)
simple("timer_long_cancel", "o_timer_long_cancel", seconds=FOR_EVER_SECONDS)
