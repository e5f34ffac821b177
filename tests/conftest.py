"""Servers that tests share within one pytest process, and the options of the long runs."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.azurite import running_azurite

# CI tries the same examples each time, so that a change is judged by itself; a developer's machine
# tries others at every run, and so finds what nobody thought of.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI") == "true":
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--chaos-seconds",
        type=float,
        default=8.0,
        help="how long the tests marked chaos go on killing things",
    )


@pytest.fixture(scope="session")
def chaos_seconds(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--chaos-seconds"))


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an Azurite that lives as long as the test session."""
    with running_azurite(tmp_path_factory.mktemp("storage")) as connection:
        yield connection
