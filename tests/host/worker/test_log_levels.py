"""host.json says how much is shown of what functions log, as on the Functions host."""

import re
from pathlib import Path

import pytest

from tests.support.hosts.host_process import running

APP = Path(__file__).parents[1] / "apps" / "log_app"
CHATTY = {"own debug", "information", "warning", "an error printed"}
QUIET = {"warning", "an error printed"}
DEBUG = {"environment": {"PYTHON_ENABLE_DEBUG_LOGGING": "True"}}


@pytest.mark.parametrize(
    ("options", "settings", "chatty"),
    [
        # A library's DEBUG lines do not leave the worker, whatever host.json says.
        ((), {}, CHATTY),
        ((), DEBUG, CHATTY | {"library debug"}),
        # What is printed in the host's own process is not held back.
        (("--workers", "0"), {}, CHATTY | {"printed"}),
    ],
)
def test_each_function_is_shown_from_its_level_on(
    tmp_path: Path, options: tuple[str, ...], settings: dict[str, dict[str, str]], chatty: set[str]
) -> None:
    with running(APP, tmp_path, "--no-stack", *options, **settings) as host:  # type: ignore[arg-type]
        for name in ("chatty", "quiet"):
            assert host.get(f"/api/{name}").body.decode() == name
        assert host.stop() == 0
        assert host.process.stdout is not None
        shown = host.log + host.process.stdout.read()
    assert set(re.findall(r"chatty: (.*)", shown)) == chatty
    assert set(re.findall(r"quiet: (.*)", shown)) - {"printed"} == QUIET
