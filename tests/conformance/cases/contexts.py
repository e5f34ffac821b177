"""Custom status, contexts, and what no orchestrator should do."""

from tests.conformance.cases.retries import FOR_EVER_SECONDS
from tests.conformance.registry import simple

STATUSES = (
    "none",
    "empty",
    "zero",
    "false",
    "dict",
    "list",
    "text",
    "unicode",
    "nested",
    "k8",
    "k16",
    "k20",
    "k100",
    "date",
    "big",
    "plain",
    "nan",
)
MISUSES = (
    "plain",
    "plain_none",
    "yield_five",
    "yield_list",
    "return_task",
    "async",
    "nondeterministic",
    "nondeterministic_fewer",
    "nondeterministic_kind",
    "slow_turn",
)

for _key in STATUSES:
    simple(f"status_{_key}", "o_status", _key, 20, output=True)
for _name in ("status_reset", "status_then_raise", "context", "stable", "replaying"):
    simple(_name, f"o_{_name}")
for _name in MISUSES:
    simple(_name, f"o_{_name}", seconds=20)
simple("yield_none", "o_yield_none", seconds=FOR_EVER_SECONDS)
