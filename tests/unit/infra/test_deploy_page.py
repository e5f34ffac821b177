"""docs/how-to/deploy.md shows what the hooks print, with what its own commands have set.

The commands of the page are carried out, step by step: variables are set as `azd env set` would,
and the hooks that azd would run are run, over stand-ins of az and azd. What Azure gives out at a
deployment stands here.
"""

import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import typer

from cli.app import app
from infra.scripts import postdeploy, preprovision, sign_in
from infra.scripts.environment import ROOT
from tests.support.azure_programs.programs import Programs

PAGE = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```\n(.*?)^```$", re.M | re.S)
CODE = re.compile(r"(`+) ?(.+?) ?\1", re.S)
DAY = re.compile(r"\d{4}-\d\d-\d\d")
PROGRAM = re.compile(r"(azd|az|azcopy|python3|fanout|curl|git|export|unset)\b|\w+=")
REFERENCE = re.compile(r"\blines\s+of\s+step\s+(\d)")
# What azd asks for at the first `azd up`.
GIVEN = {"AZURE_LOCATION": "northeurope", "AZURE_SUBSCRIPTION_ID": "s"}
# What others than the hooks print; tests of those, or the page, say whence it is known.
OF_OTHERS = re.compile(r"SUCCESS: Your (up workflow|application) .*|\{\"status\": \"up\".*")
STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9]
Values = dict[str, str]


def section(step: int) -> str:
    found = re.search(rf"^## {step}\. .*?(?=^## )", PAGE, re.M | re.S)
    assert found
    return found[0]


def fences(step: int) -> list[list[str]]:
    """The lines of each block; one that a backslash ends goes on in the next."""
    return [block.replace("\\\n", " ").splitlines() for block in FENCE.findall(section(step))]


def commands(step: int) -> list[str]:
    return [line for block in fences(step) if PROGRAM.match(block[0]) for line in block]


def shown(step: int) -> list[str]:
    """The lines that the page shows as output, in their order."""
    return [line for block in fences(step) if not PROGRAM.match(block[0]) for line in block]


def quoted(step: int) -> list[str]:
    """What it shows anywhere in a step, in the midst of a sentence too."""
    prose = FENCE.sub("", section(step))
    return shown(step) + [" ".join(words.split()) for _, words in CODE.findall(prose)]


def is_shown(line: str, by: list[str]) -> bool:
    return any(pattern(each).fullmatch(line) for each in by)


def pattern(text: str) -> re.Pattern[str]:
    """What a line of the page stands for: `...` for anything, a day for any day."""
    parts = (re.escape(DAY.sub("0000-00-00", part)) for part in text.split("..."))
    return re.compile(".+".join(parts).replace(re.escape("0000-00-00"), DAY.pattern))


class Walk:
    """Carries out what the page says, and keeps what the hooks print in each step."""

    def __init__(self, azure: Programs, read: Callable[[], Any]) -> None:
        self.azure = azure
        self.environments: dict[str, Values] = {}
        self.chosen = ""
        self.printed: dict[int, list[str]] = {}
        self._read = read
        self._stored = 0

    def carry_out(self, step: int) -> None:
        for line in commands(step):
            self.follow(line)
        said = self._read()
        assert said.err == ""
        self.printed[step] = said.out.splitlines()

    def follow(self, line: str) -> None:
        """Carry out a command, as far as it is about what azd knows."""
        match shlex.split(line):
            case ["azd", "env", "new", name]:
                self.environments[name] = {"AZURE_ENV_NAME": name} | GIVEN
                self.chosen = name
            case ["azd", "env", "select", name]:
                assert name in self.environments
                self.chosen = name
            case ["azd", "env", "set", name, value]:
                self.values[name] = value
            case ["azd", "auth", "login"] | ["azd", "env", "get-value" | "get-values", *_]:
                pass
            case ["azd", "up"]:
                self._provision()
                self._finish()
            case ["azd", "provision"]:
                self._provision()
            case ["azd", "deploy"]:
                self._finish()
            case ["azd", "down", *_]:
                for name in outputs({}):
                    del self.values[name]
            case ["python3", "-m", "infra.scripts.sign_in", *arguments]:
                self.azure.answer("azd env get-values", self.values)
                assert sign_in.main(arguments) == 0
                self._take_stored()
            case ["azd" | "python3", *_]:
                pytest.fail(f"nobody knows what this does: {line}")

    @property
    def values(self) -> Values:
        return self.environments[self.chosen]

    def _provision(self) -> None:
        assert preprovision.prepare(self.values) == []
        self._take_stored()
        self.values.update(outputs(self.values))

    def _finish(self) -> None:
        assert postdeploy.finish(self.values) == []

    def _take_stored(self) -> None:
        """Keep what the hooks had azd keep since then."""
        calls = self.azure.calls("azd env set")
        self.values.update((c.arguments[2], c.arguments[3]) for c in calls[self._stored :])
        self._stored = len(calls)


def outputs(values: Values) -> Values:
    """What the template gives out."""
    name = values.get("FANOUT_APP_NAME", "func-x")
    group = values.get("FANOUT_RESOURCE_GROUP", f"rg-{values.get('AZURE_ENV_NAME')}")
    return {
        "AZURE_FUNCTION_NAME": name,
        "AZURE_RESOURCE_GROUP": group,
        "FANOUT_INBOX_TOPIC": "evgt-x" if values.get("FANOUT_INBOX") == "true" else "",
        "FANOUT_URL": f"https://{name}.azurewebsites.net",
    }


@pytest.fixture
def azure(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A subscription that lacks two providers, and an app in which all is well."""
    known, unknown = ({"registrationState": each} for each in ("Registered", "NotRegistered"))
    programs.answer("azd env set", "")
    programs.answer("az account show", {})
    programs.answer(r"get .*Microsoft\.Web/sites/[\w-]+\?", {"properties": {"state": "Running"}})
    programs.answer(r"get .*Microsoft\.EventGrid/systemTopics\?", {"value": []})
    programs.answer(r"rest --method get .*/providers/Microsoft\.\w+\?", known)
    programs.answer(r"rest --method post .*/register", {})
    for name in ("Web", "App"):
        programs.answer(rf"get .*/providers/Microsoft\.{name}\?", unknown, known)
    programs.answer("list-flexconsumption-locations", [{"name": "northeurope"}])
    programs.answer("list-flexconsumption-runtimes", [{"version": "3.13"}])
    programs.answer("/usages", {"value": []})
    programs.refuse("Microsoft.Consumption/budgets", "Not Found(ResourceNotFound)")
    programs.answer("listKeys", {"functionKeys": {"default": "k"}, "systemKeys": BLOBS})
    programs.answer("get-access-token", {"accessToken": "t"})
    programs.answer("--method put .*eventSubscriptions", {})
    programs.answer("--method get .*eventSubscriptions", SUBSCRIBED)
    monkeypatch.setattr(postdeploy, "wait_for_health", lambda url: None)
    monkeypatch.setattr(postdeploy, "run_through", lambda api: "three rows in 5 s")
    return programs


BLOBS = {"blobs_extension": "k"}
SUBSCRIBED = {"properties": {"provisioningState": "Succeeded"}}


@pytest.fixture
def walk(azure: Programs, capsys: pytest.CaptureFixture[str]) -> Walk:
    return Walk(azure, capsys.readouterr)


def test_what_the_hooks_print_is_shown_by_each_step(walk: Walk):
    for step in STEPS:
        walk.carry_out(step)
        # What an earlier step turned on is still on.
        known = [line for number in range(1, step + 1) for line in quoted(number)]
        lacking = [line for line in walk.printed[step] if not is_shown(line, known)]
        assert lacking == [], f"step {step}"


def test_what_a_step_shows_is_printed(walk: Walk):
    for step in STEPS:
        walk.carry_out(step)
        expected = [line for line in shown(step) if not OF_OTHERS.fullmatch(line)]
        # Step 2 shows what deployments print from then on: its own commands end before one.
        said = walk.printed[step]
        if step == 2:
            assert postdeploy.finish(walk.values) == []
            said += walk._read().out.splitlines()
        unsaid = [line for line in expected if not any(pattern(line).fullmatch(n) for n in said)]
        assert unsaid == [], f"step {step}"


def test_the_lines_of_a_deployment_are_in_the_order_in_which_they_are_printed(walk: Walk):
    walk.carry_out(1)
    said = [line for line in walk.printed[1] if is_shown(line, shown(1))]
    expected = [line for line in shown(1) if not OF_OTHERS.fullmatch(line)]
    assert len(said) == len(expected)
    assert all(pattern(a).fullmatch(b) for a, b in zip(expected, said, strict=True))


def test_lines_of_a_step_mean_sign_in_or_keys_as_the_environment_has_it(walk: Walk):
    for step in STEPS:
        walk.carry_out(step)
        first = REFERENCE.search(section(step))
        if first and step > 2:
            is_signed_in = any(line.startswith("Sign-in:") for line in walk.printed[step])
            assert first[1] == ("2" if is_signed_in else "1"), f"step {step}"


def test_the_key_or_token_that_a_step_calls_with_is_one_that_opens_the_app(walk: Walk):
    # With sign-in no key opens anything.
    has = ""
    for step in STEPS:
        for line in commands(step):
            walk.follow(line)
            for name in re.findall(r"\bFANOUT_(KEY|TOKEN)\b", line):
                has = "" if line.startswith("unset") else name
            if line.startswith("fanout "):
                wanted = "TOKEN" if walk.values.get(sign_in.VARIABLE) else "KEY"
                assert (step, has) == (step, wanted)
                assert "--key" not in line


def test_the_commands_of_fanout_exist():
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = [line.split() for step in STEPS for line in commands(step)]
    assert {words[1] for words in lines if words[0] == "fanout"} <= set(known)


def test_a_registration_that_is_deleted_is_forgotten_by_the_environment_too():
    lines = [line for step in STEPS for line in commands(step)]
    after = [b for a, b in pairwise(lines) if a.startswith("az ad app delete")]
    assert after == [f'azd env set {sign_in.VARIABLE} ""']


def test_an_app_leaves_its_network_before_it_is_taken_down():
    lines = commands(9)
    (leaves,) = [n for n, line in enumerate(lines) if "vnet-integration remove" in line]
    assert leaves < lines.index("azd down --purge")


def test_who_copies_runs_has_the_role_to_write_them_meanwhile():
    words = ("az role assignment create", "azcopy login", "azcopy copy", "az role assignment del")
    found = [word for line in commands(8) for word in words if line.startswith(word)]
    assert found == [*words]


def test_what_is_refused_is_told_as_the_page_says(azure: Programs):
    places = [{"resourceType": "schedulers", "locations": ["East US"]}]
    found = {"registrationState": "Registered", "resourceTypes": places}
    azure.answer(r"get .*/providers/Microsoft\.DurableTask\?", found)
    asked = {"AZURE_ENV_NAME": "production"} | GIVEN
    refused = {1: {"AZURE_LOCATION": "x"}, 4: {"FANOUT_DURABLE_BACKEND": "DurableTaskScheduler"}}
    for step, more in refused.items():
        (fault,) = preprovision.prepare(asked | more)
        assert is_shown(fault, quoted(step)), fault
