import pytest

from localhost.durable.engine.versions import mismatch
from localhost.durable.host_json import DurableSettings


@pytest.mark.parametrize(
    ("theirs", "ours", "strategy", "runs"),
    [
        ("1.9", "1.10", "CurrentOrOlder", True),
        ("1.10", "1.9", "CurrentOrOlder", False),
        (None, "1.0", "CurrentOrOlder", True),
        ("1.0", None, "Strict", False),
        ("1.0", None, "CurrentOrOlder", False),
        (None, None, "Strict", True),
        ("1.0", "1.0", "Strict", True),
        ("1.0", "1.0.0", "Strict", False),
        ("beta", "alpha", "CurrentOrOlder", False),
        ("2.0", "1.0", "None", True),
    ],
)
def test_versions_match_by_strategy(theirs, ours, strategy, runs):
    settings = DurableSettings(default_version=ours, version_match_strategy=strategy)
    assert (mismatch(theirs, settings) is None) is runs
