"""A switch is read as azd reads it for the templates."""

import pytest

from infra.scripts.environment import Environment, SettingError


def is_on(text: str) -> bool:
    return Environment.read({"FANOUT_INBOX": text}).is_on("FANOUT_INBOX")


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_what_go_takes_for_true_is_on(text: str):
    assert is_on(text)


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False", ""])
def test_what_go_takes_for_false_is_off(text: str):
    assert not is_on(text)


@pytest.mark.parametrize("text", ["yes", "on", "tRUE", "2", " true"])
def test_what_go_refuses_is_refused_by_name(text: str):
    with pytest.raises(SettingError, match="FANOUT_INBOX is true or false"):
        is_on(text)


def test_a_switch_that_nobody_set_may_be_on():
    assert Environment.read({}).is_on("FANOUT_SMOKE_RUN", default=True)
