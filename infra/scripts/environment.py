"""The values that azd gives to a hook, and the defaults of the template."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What azd takes for a parameter that is true or false (ParseBool of Go), letter by letter.
_ON = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_OFF = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_VARIABLE = re.compile(r"\$\{(\w+)=([^}]*)\}")


class SettingError(Exception):
    """A variable has a value that makes no sense."""


@dataclass(frozen=True)
class Environment:
    """What is set for a deployment.

    An empty value counts as none, as azd has it: GitHub hands on unset variables so.

    Attributes:
        values: By the names of the variables.
        defaults: Those of `infra/main.parameters.json`.
    """

    values: Mapping[str, str]
    defaults: Mapping[str, str]

    @classmethod
    def read(cls, values: Mapping[str, str], root: Path = ROOT) -> "Environment":
        """Take the values as they are, and the defaults from the file of parameters."""
        text = (root / "infra" / "main.parameters.json").read_text(encoding="utf-8")
        parameters = json.loads(text)["parameters"]
        found = (_VARIABLE.fullmatch(str(each["value"])) for each in parameters.values())
        return cls(values, {match[1]: match[2] for match in found if match})

    def text(self, name: str) -> str:
        """A value, or its default, or nothing."""
        return self.values.get(name) or self.defaults.get(name, "")

    def is_on(self, name: str, *, default: bool = False) -> bool:
        """Whether a switch is on.

        Args:
            name: Of the variable.
            default: What it is where nothing is said.

        Raises:
            SettingError: It has a value that azd does not take for one of the two.
        """
        text = self.text(name) or str(default)
        if text not in _ON | _OFF:
            raise SettingError(f"{name} is true or false, not {text!r}")
        return text in _ON

    def number(self, name: str) -> int:
        """A whole number; 0 where nothing says otherwise.

        Raises:
            SettingError: It is none.
        """
        text = self.text(name) or "0"
        if not text.isascii() or not text.isdigit():
            raise SettingError(f"{name} is a whole number, 0 or more, not {text!r}")
        return int(text)

    @property
    def name(self) -> str:
        """Of the environment of azd."""
        return self.text("AZURE_ENV_NAME")

    @property
    def subscription(self) -> str:
        """The subscription, as a path; nothing before azd has asked which."""
        found = self.text("AZURE_SUBSCRIPTION_ID")
        return f"/subscriptions/{found}" if found else ""

    @property
    def group(self) -> str:
        """The resource group, as a path: that which was made, or that which will be."""
        names = json.loads((ROOT / "infra" / "abbreviations.json").read_text(encoding="utf-8"))
        planned = self.text("FANOUT_RESOURCE_GROUP") or names["resourceGroup"] + self.name
        found = self.text("AZURE_RESOURCE_GROUP") or planned
        return f"{self.subscription}/resourceGroups/{found}"

    @property
    def is_on_scheduler(self) -> bool:
        """Whether the Durable Task Scheduler keeps the state of orchestrations."""
        return self.text("FANOUT_DURABLE_BACKEND") == "DurableTaskScheduler"
