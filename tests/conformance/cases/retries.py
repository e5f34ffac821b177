"""Retries."""

from tests.conformance.registry import in_any_order, simple

# What the engine never schedules is looked at after this time.
FOR_EVER_SECONDS = 12
_WEEK_MS = 8 * 24 * 3_600_000

simple("retry_third", "o_retry", lambda c: [c.id, 3, 5, 300])
simple("retry_out", "o_retry", lambda c: [c.id, 9, 3, 300])
simple("retry_one", "o_retry", lambda c: [c.id, 9, 1, 300])
simple("retry_first", "o_retry", lambda c: [c.id, 1, 3, 300])
simple("retry_long", "o_retry", lambda c: [c.id, 2, 2, 3000], output=True)
simple("retry_zero", "o_retry", lambda c: [c.id, 2, 0, 100], FOR_EVER_SECONDS, output=True)
simple("retry_week", "o_retry", lambda c: [c.id, 2, 2, _WEEK_MS], FOR_EVER_SECONDS)
simple("retry_all", "o_retry_all", lambda c: c.id, tidy=in_any_order)
simple("retry_any", "o_retry_any", lambda c: c.id, output=True)
simple("retry_sub", "o_retry_sub", lambda c: [c.id, 2, 3, None])
simple("retry_sub_id", "o_retry_sub", lambda c: [c.id, 2, 3, c.id + "-child"])
simple("retry_sub_out", "o_retry_sub", lambda c: [c.id, 9, 2, None])
