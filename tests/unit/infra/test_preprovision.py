"""Before anything is made: providers, region, quota, and the first day of the budget."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from infra.scripts import preprovision
from infra.scripts.budget import budget_start
from infra.scripts.environment import Environment
from infra.scripts.providers import needed_providers
from tests.support.azure_programs.programs import Programs

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
VALUES = {
    "AZURE_ENV_NAME": "staging",
    "AZURE_LOCATION": "northeurope",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
}
SCHEDULER = {"FANOUT_DURABLE_BACKEND": "DurableTaskScheduler"}
BUDGET = "Microsoft.Consumption/budgets/budget-staging"
SEPTEMBER = {"properties": {"timePeriod": {"startDate": "2026-09-01T00:00:00Z"}}}
TODAY = date(2026, 11, 30)


def usage(used: float, limit: float) -> Any:
    return {"value": [{"unit": "Core Count", "currentValue": used, "limit": limit}]}


@pytest.fixture
def azure(programs: Programs) -> Programs:
    """A subscription in which all is well, and there is no budget."""
    programs.answer("account show", {})
    programs.answer(r"rest --method get .*/providers/Microsoft\.\w+\?", registered())
    programs.answer("list-flexconsumption-locations", [{"name": "northeurope"}, {"name": "eastus"}])
    programs.answer("list-flexconsumption-runtimes", [{"version": "3.12"}, {"version": "3.13"}])
    programs.answer("/usages", usage(0, 250))
    programs.refuse(BUDGET, "Not Found(ResourceNotFound)")
    programs.answer("azd env set", "")
    return programs


def registered(state: str = "Registered", *regions: str) -> Any:
    kinds = [{"resourceType": "schedulers", "locations": [*regions]}] if regions else []
    return {"registrationState": state, "resourceTypes": kinds}


def environment(**values: str) -> Environment:
    return Environment.read(VALUES | values)


def test_where_all_is_well_nothing_is_registered_and_nothing_stored(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    assert preprovision.prepare(VALUES) == []
    assert azure.calls("--method post") == []
    assert azure.calls("azd env set") == []
    assert capsys.readouterr().out == ""


def test_every_question_is_about_the_subscription_of_the_environment(azure: Programs):
    # The one that az has chosen may be another.
    preprovision.prepare(VALUES | SCHEDULER | {"FANOUT_BUDGET": "100"})
    asked = azure.calls("az ")
    assert len(asked) > 8
    assert [each.line for each in asked if SUBSCRIPTION not in each.line] == []


def test_a_provider_that_is_not_registered_is_and_waited_for(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    states = [registered(state) for state in ("NotRegistered", "Registering", "Registered")]
    azure.answer(r"get .*Microsoft\.App\?", *states)
    azure.answer(r"post .*Microsoft\.App/register", {})
    assert preprovision.prepare(VALUES | {"VNET_ENABLED": "true"}) == []
    assert len(azure.calls("--method post")) == 1
    assert len(azure.calls("Microsoft.App?")) == 3
    assert "Registered Microsoft.App" in capsys.readouterr().out


def test_who_may_not_register_is_told_and_goes_on(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    azure.answer(r"get .*Microsoft\.Web\?", registered("NotRegistered"))
    azure.refuse(r"post .*register", "AuthorizationFailed")
    assert preprovision.prepare(VALUES) == []
    assert "AuthorizationFailed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "provider"),
    [
        ("VNET_ENABLED", "true", "Microsoft.App"),
        ("FANOUT_INBOX", "true", "Microsoft.EventGrid"),
        ("FANOUT_VAULT_SETTINGS", "FANOUT_SMTP", "Microsoft.KeyVault"),
        ("FANOUT_DURABLE_BACKEND", "DurableTaskScheduler", "Microsoft.DurableTask"),
        ("FANOUT_SERVICE_BUS_ENABLED", "true", "Microsoft.ServiceBus"),
    ],
)
def test_a_provider_is_asked_for_where_its_option_is_on(name: str, value: str, provider: str):
    assert provider in needed_providers(environment(**{name: value}))
    assert provider not in needed_providers(environment(**{name: ""}))


def test_a_region_without_flex_is_refused_with_those_that_have_it(azure: Programs):
    (fault,) = preprovision.prepare(VALUES | {"AZURE_LOCATION": "Brazil South"})
    assert "Brazil South has no Flex Consumption" in fault
    assert "eastus, northeurope" in fault


def test_a_region_may_be_written_as_people_do(azure: Programs):
    assert preprovision.prepare(VALUES | {"AZURE_LOCATION": "North Europe"}) == []


def test_a_python_that_the_region_lacks_is_refused(azure: Programs):
    (fault,) = preprovision.prepare(VALUES | {"FANOUT_PYTHON_VERSION": "3.14"})
    assert "no Python 3.14" in fault
    assert "3.12, 3.13" in fault


def test_the_python_of_the_template_is_looked_for_where_none_is_chosen(azure: Programs):
    azure.answer("list-flexconsumption-runtimes", [{"version": "3.12"}])
    (fault,) = preprovision.prepare(VALUES)
    assert "no Python 3.13" in fault


def test_a_region_without_the_scheduler_is_refused_and_another_may_be_named(azure: Programs):
    azure.answer(r"get .*Microsoft\.DurableTask\?", registered("Registered", "North Central US"))
    (fault,) = preprovision.prepare(VALUES | SCHEDULER)
    assert "northeurope has no Durable Task Scheduler" in fault
    assert "northcentralus" in fault
    elsewhere = {"FANOUT_SCHEDULER_LOCATION": "northcentralus"}
    assert preprovision.prepare(VALUES | SCHEDULER | elsewhere) == []


def test_a_quota_that_is_too_small_is_told_and_refuses_nothing(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    azure.answer("/usages", usage(0, 50))
    assert preprovision.prepare(VALUES | {"FANOUT_MAXIMUM_INSTANCES": "100"}) == []
    assert "share 50 cores" in capsys.readouterr().out
    azure.answer("/usages", usage(249, 250))
    assert preprovision.prepare(VALUES | {"FANOUT_DURABLE_ALWAYS_READY": "2"}) == []
    assert "249 of 250 cores are used" in capsys.readouterr().out


def test_instances_of_half_a_gigabyte_have_a_quarter_of_a_core(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    azure.answer("/usages", usage(0, 50))
    assert preprovision.prepare(VALUES | {"FANOUT_INSTANCE_MEMORY_MB": "512"}) == []
    assert capsys.readouterr().out == ""


def test_without_az_the_deployment_goes_on_with_a_note(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    azure.refuse("account show", "Please run 'az login' to setup account.")
    assert preprovision.prepare(VALUES) == []
    assert "not checked" in capsys.readouterr().out
    assert len(azure.calls("az ")) == 1


def test_before_azd_has_asked_for_a_subscription_nothing_is_asked(
    azure: Programs, capsys: pytest.CaptureFixture[str]
):
    assert preprovision.prepare({"AZURE_ENV_NAME": "staging"}) == []
    assert azure.calls() == []
    assert "azd has yet to ask" in capsys.readouterr().out


def test_what_an_older_az_does_not_know_is_no_fault(azure: Programs):
    azure.refuse("list-flexconsumption", "is misspelled or not recognized by the system")
    azure.refuse("/usages", "NoRegisteredProviderFound")
    assert preprovision.prepare(VALUES) == []


def test_a_budget_that_is_made_counts_from_this_month_and_azd_keeps_that(azure: Programs):
    preprovision.prepare(VALUES | {"FANOUT_BUDGET": "100"})
    (kept,) = azure.calls("azd env set")
    today = datetime.now(UTC).date().replace(day=1).isoformat()
    assert kept.arguments[2:4] == ["FANOUT_BUDGET_START", today]


def test_a_budget_that_is_there_keeps_its_first_day_whatever_the_month(azure: Programs):
    # A provision of a later month sent another day before, which Azure refuses.
    azure.answer(BUDGET, SEPTEMBER)
    preprovision.prepare(VALUES | {"FANOUT_BUDGET": "100"})
    (kept,) = azure.calls("azd env set")
    assert kept.arguments[2:4] == ["FANOUT_BUDGET_START", "2026-09-01"]


def test_what_is_kept_already_is_not_kept_again(azure: Programs):
    azure.answer(BUDGET, SEPTEMBER)
    preprovision.prepare(VALUES | {"FANOUT_BUDGET": "1", "FANOUT_BUDGET_START": "2026-09-01"})
    assert azure.calls("azd env set") == []


def test_after_azd_down_the_budget_counts_from_the_month_in_which_it_is_made_anew(azure: Programs):
    found = environment(FANOUT_BUDGET="100", FANOUT_BUDGET_START="2026-09-01")
    assert budget_start(found, TODAY) == "2026-11-01"


def test_where_azure_cannot_be_asked_the_day_that_is_kept_stays(azure: Programs):
    azure.refuse(BUDGET, "Please run 'az login'")
    found = environment(FANOUT_BUDGET="100", FANOUT_BUDGET_START="2026-09-01")
    assert budget_start(found, TODAY) == "2026-09-01"
    assert budget_start(environment(FANOUT_BUDGET="100"), TODAY) == "2026-11-01"


@pytest.mark.parametrize(
    "refusal",
    [
        'Not Found({"error":{"code":"SubscriptionNotFound"}})',
        "AADSTS90002: Tenant 't' not found.",
    ],
)
def test_another_sign_in_is_not_taken_for_a_budget_that_is_gone(azure: Programs, refusal: str):
    azure.refuse(BUDGET, refusal)
    found = environment(FANOUT_BUDGET="100", FANOUT_BUDGET_START="2026-09-01")
    assert budget_start(found, TODAY) == "2026-09-01"


def test_an_answer_without_a_first_day_changes_none(azure: Programs):
    azure.answer(BUDGET, {})
    found = environment(FANOUT_BUDGET="100", FANOUT_BUDGET_START="2026-09-01")
    assert budget_start(found, TODAY) == "2026-09-01"


def test_once_it_is_said_that_azure_is_not_asked_it_is_not_asked_for_a_budget(azure: Programs):
    azure.refuse("account show", "AADSTS50020: User account 'u' does not exist in tenant 't'.")
    kept = {"FANOUT_BUDGET": "100", "FANOUT_BUDGET_START": "2026-09-01"}
    assert preprovision.prepare(VALUES | kept) == []
    assert azure.calls(BUDGET) == []
    assert azure.calls("azd env set") == []


def test_the_budget_is_looked_for_in_the_group_that_has_it(azure: Programs):
    budget_start(environment(FANOUT_BUDGET="1"), TODAY)
    budget_start(environment(FANOUT_BUDGET="1", FANOUT_RESOURCE_GROUP="ours"), TODAY)
    budget_start(environment(FANOUT_BUDGET="1", AZURE_RESOURCE_GROUP="made"), TODAY)
    lines = [each.line for each in azure.calls(BUDGET)]
    groups = [line.partition("resourceGroups/")[2].partition("/")[0] for line in lines]
    assert groups == ["rg-staging", "ours", "made"]


def test_without_a_budget_nobody_asks_for_one(azure: Programs):
    assert budget_start(environment(), TODAY) == ""
    assert azure.calls(BUDGET) == []


def test_the_hook_fails_where_the_deployment_would(
    azure: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    assert preprovision.main([]) == 0
    monkeypatch.setenv("AZURE_LOCATION", "brazilsouth")
    assert preprovision.main([]) == 1
    assert "brazilsouth" in capsys.readouterr().err
    monkeypatch.setenv("AZURE_LOCATION", "northeurope")
    monkeypatch.setenv("FANOUT_BUDGET", "a lot")
    assert preprovision.main([]) == 1
    assert "FANOUT_BUDGET" in capsys.readouterr().err
