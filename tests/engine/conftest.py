"""Instances of a host at PATH on one task hub, with all that can happen to them in Azure."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rig.cluster import is_engine
from tests.support.hosts.engine_cluster import Cluster, ClusterOf, cluster
from tests.support.hosts.hosts import chosen
from tests.support.workloads.errand_workloads import Journal


@pytest.fixture(scope="session")
def engine() -> Path:
    """The folder of a host whose instances can share a task hub."""
    folder = chosen().folder
    if folder is None or not is_engine(folder):
        pytest.skip("--host names no host whose instances can share a task hub")
    return folder


@pytest.fixture
def cluster_of(engine: Path, tmp_path: Path) -> Iterator[ClusterOf]:
    """Starts so many instances; see `tests.support.hosts.engine_cluster.cluster`."""
    with ExitStack() as stack:

        def start(instances: int = 1, **options: Any) -> Cluster:
            return stack.enter_context(cluster(engine, tmp_path, instances, **options))

        yield start


@pytest.fixture(scope="module")
def instance(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One instance for all tests of a module."""
    with cluster(engine, tmp_path_factory.mktemp("hub")) as found:
        yield found


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """What the workloads of a test do."""
    return Journal(tmp_path / "journal")
