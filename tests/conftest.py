"""Servers that tests share within one pytest process, and the options of the long runs."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.support.hosts import hosts
from tests.support.live.secret_text import STORAGE_VARIABLE, SecretText, hide_in_report
from tests.support.services.azurite import running_azurite

# CI tries the same examples each time, so that a change is judged by itself; a developer's machine
# tries others at every run, and so finds what nobody thought of; `--hypothesis-profile many` looks
# longer, `brief` only sees that they run. No example has a deadline: that the machine is busy with
# others is no fault.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("local", deadline=None)
settings.register_profile("brief", derandomize=True, deadline=None, max_examples=10)
settings.register_profile("many", max_examples=3000, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--chaos-seconds",
        type=float,
        default=8.0,
        help="how long the tests marked chaos go on killing things",
    )
    parser.addoption(
        "--torn",
        type=float,
        default=0.0,
        help="the share of turns that are torn in the tests marked chaos (docs/embedded-host.md)",
    )
    parser.addoption(
        "--host",
        default=hosts.EMBEDDED_NAME,
        help="what the end-to-end tests run on: embedded, the PATH of a program with the options "
        "of `python -m localhost start`, or the URL of one that runs already",
    )
    parser.addoption(
        "--host-has",
        default="",
        help="what that host can do besides, as words with commas: timers,service_bus,keys,...",
    )


def pytest_configure(config: pytest.Config) -> None:
    for need, what in hosts.NEEDS.items():
        config.addinivalue_line("markers", f"{need}: needs {what}")
    hosts.choose(config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers():
        if reason := hosts.chosen().why_not(marker.name):
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    hide_in_report(report)
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "measures" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("measures"):
                item.add_marker(pytest.mark.skip("measures: only with -m measures, alone"))
    patience = hosts.chosen().patience
    for item in items if patience != 1 else []:
        own = item.get_closest_marker("timeout")
        seconds = float(own.args[0] if own else config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(seconds * patience), append=False)


@pytest.fixture(scope="session")
def chaos_seconds(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--chaos-seconds"))


@pytest.fixture(scope="session")
def torn(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options of the hosts of chaos tests, for the share of torn turns that is asked for."""
    share = float(request.config.getoption("--torn"))
    return ("--faults", f"torn={share}") if share else ()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an Azurite that lives as long as the test session."""
    if hosts.chosen().origin is None:
        with running_azurite(tmp_path_factory.mktemp("storage")) as connection:
            yield connection
    elif named := os.environ.get(STORAGE_VARIABLE):
        yield SecretText(named)
    else:
        pytest.skip(f"{STORAGE_VARIABLE} does not name the storage of {hosts.chosen().name}")
