"""docs/how-to/deploy.md goes from the first deployment to the last, and leaves out no step."""

import re
import xml.etree.ElementTree as ET

import pytest

from cli import settings
from fanout.naming import functions
from tests.support.infra_files import ROOT

PAGE = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
# What the command line reads.
OF_COMMANDS = {settings.KEY, settings.TOKEN}
OFF = f"AzureWebJobs.{functions.WATCHDOG}.Disabled"
PARAMETERS = (ROOT / "infra" / "main.parameters.json").read_text()
TEMPLATE = (ROOT / "infra" / "main.bicep").read_text()
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"
FENCE = re.compile(r"^```\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^(azd|az|python3|fanout|curl|git|azcopy) ", re.M)
SAYS = re.compile(r"\b(prints?|shows|ends with|says)\b")
# What the commands of each step have in them.
STEPS = {
    "1. The first deployment": ("azd up", "azd auth login"),
    "2. Sign-in": ("infra.scripts.sign_in", "azd provision"),
    "3. Network": ("VNET_ENABLED true", "FANOUT_ALLOWED_IPS", "FANOUT_NAT_GATEWAY true"),
    "4. Durable Task Scheduler": ("FANOUT_DURABLE_BACKEND DurableTaskScheduler", "azd up"),
    "5. Inbox": ("FANOUT_INBOX true", "azd up", "az storage blob upload"),
    "6. Budget": ("FANOUT_BUDGET 50", "azd provision"),
    "7. Deploy again": ("azd deploy", "git checkout"),
    "8. Rename": ("azd env new", "FANOUT_APP_NAME", "azd up"),
    "9. Take it down, and put it up again": ("azd down", "azd up"),
}


def sections() -> dict[str, str]:
    _, *parts = re.split(r"^## (.+)$", PAGE, flags=re.M)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_steps_are_there_in_their_order():
    numbered = [title for title in sections() if title[0].isdigit()]
    assert numbered == list(STEPS)


@pytest.mark.parametrize("title", STEPS)
def test_each_step_has_its_commands_and_says_what_they_print(title: str):
    text = sections()[title]
    commands = "".join(block for block in FENCE.findall(text) if COMMAND.search(block))
    assert [words for words in STEPS[title] if words not in commands] == []
    assert SAYS.search(FENCE.sub("", text))


def test_the_picture_has_what_a_deployment_makes():
    words = " ".join(ET.parse(PICTURE).getroot().itertext())
    for part in ("Storage of the host", "Storage of the data", "Service Bus", "Key Vault"):
        assert part in words
    for part in ("Durable Task Scheduler", "Application Insights", "Event Grid", "Entra ID"):
        assert part in words


def test_every_variable_that_is_named_exists():
    known = set(re.findall(r"\$\{(\w+)", PARAMETERS)) | set(re.findall(r"output (\w+) ", TEMPLATE))
    assert set(re.findall(r"\b(?:FANOUT|VNET)_[A-Z_]+", PAGE)) - known - OF_COMMANDS == set()


def test_no_version_is_deployed_to_an_app_that_was_stopped():
    # The hook after a deployment asks the app for its health, and Azure may refuse the deployment.
    _, _, rest = OPERATIONS.partition("### Ship a breaking change")
    steps = rest.partition("\n### ")[0]
    assert "functionapp stop" not in steps
    off, deploy, on = (
        steps.index(words) for words in (f"{OFF}=true", "`azd deploy`", f"--setting-names {OFF}")
    )
    assert off < deploy < on
