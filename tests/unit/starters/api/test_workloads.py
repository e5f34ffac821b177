"""How a workload is described to callers."""

from starters.api.workloads import describe_workload
from tests.support.workloads import probe_workloads
from workloads import registry


def test_a_workload_is_described_by_its_schemas():
    described = describe_workload(registry.get(probe_workloads.Sum.name))
    assert described["parameters"]["properties"].keys() == {"column", "fail_attempts", "permanent"}
    assert described["items"]["type"] == "object"
