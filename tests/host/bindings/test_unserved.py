"""An app with bindings that the embedded host does not serve."""

import json
from pathlib import Path

from tests.support.hosts.host_process import launch, running

APP = Path(__file__).parents[1] / "apps" / "events_app"
SECONDS = 60


def settings(folder: Path) -> dict[str, str]:
    return {"SEEN": str(folder / "seen"), "UNSERVED": "1", "BUS": "none", "HUB": "none"}


def test_it_does_not_start_and_is_told_what_to_do(tmp_path: Path) -> None:
    process, log = launch(APP, tmp_path, "--no-stack", environment=settings(tmp_path))
    with process:
        assert process.wait(SECONDS) != 0
    text = log.read_text()
    assert "Function 'streamed': this host does not serve the binding 'message' of type" in text
    assert "Function 'with_client': this host does not serve a" in text
    assert "OtherClient" in text
    for way_out in ("Core Tools", "AzureWebJobs.streamed.Disabled=true", "--skip-unserved"):
        assert way_out in text


def test_with_skip_unserved_it_starts_with_the_others_and_lists_what_is_left_out(
    tmp_path: Path,
) -> None:
    options = ("--no-stack", "--skip-unserved")
    with running(APP, tmp_path, *options, environment=settings(tmp_path)) as host:
        assert "plain: eventGridTrigger" in host.banner
        assert "streamed: " not in host.banner
        assert "Function streamed is left out: this host does not serve the binding" in host.banner
        assert "Function with_client is left out: this host does not serve a" in host.banner
        names = [one["name"] for one in host.get("/admin/functions").json]
        assert set(names) == {"ping", "warmup", "at_start", "plain", "cloud", "generic"}
        body = json.dumps([{"id": "1", "data": {}}]).encode()
        path = "/runtime/webhooks/EventGrid?functionName=plain"
        answer = host.request("POST", path, body, {"aeg-event-type": "Notification"})
        assert answer.status == 202


def test_a_disabled_function_may_have_what_is_not_served(tmp_path: Path) -> None:
    disabled = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("streamed", "with_client")}
    environment = {**settings(tmp_path), **disabled}
    with running(APP, tmp_path, "--no-stack", environment=environment) as host:
        assert "Function streamed is disabled." in host.banner
        assert "Function with_client is disabled." in host.banner
