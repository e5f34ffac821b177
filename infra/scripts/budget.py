"""The first day of a budget, which may not change as long as the budget is there.

Nor may it be in a month that is over when the budget is made. So the budget in Azure decides, not
what this machine remembers: a pipeline remembers nothing, and `azd down` takes the budget away.
"""

import json
from datetime import date

from infra.scripts.environment import ROOT, Environment
from infra.scripts.programs import ProgramError, call

API = "2023-11-01"
VARIABLE = "FANOUT_BUDGET_START"


def budget_start(environment: Environment, today: date, can_ask: bool = True) -> str:
    """The first day that the budget is to have; empty if there is to be none.

    Args:
        environment: What azd knows.
        today: In UTC.
        can_ask: Whether Azure knows who asks; otherwise what was stored stays.

    Raises:
        SettingError: The amount is none.
    """
    if not environment.number("FANOUT_BUDGET"):
        return ""
    this_month = today.replace(day=1).isoformat()
    # Where nobody can be asked, what was stored is the better guess.
    guess = environment.text(VARIABLE) or this_month
    if not can_ask:
        return guess
    try:
        answer = call("get", f"{_path(environment)}?api-version={API}") or {}
    except ProgramError as error:
        return this_month if error.is_missing else guess
    period = answer.get("properties", {}).get("timePeriod", {})
    return str(period.get("startDate") or guess)[:10]


def _path(environment: Environment) -> str:
    names = json.loads((ROOT / "infra" / "abbreviations.json").read_text(encoding="utf-8"))
    budgets = f"{environment.group}/providers/Microsoft.Consumption/budgets"
    return f"{budgets}/{names['budget']}{environment.name}"
