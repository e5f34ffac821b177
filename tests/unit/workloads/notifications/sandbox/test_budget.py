import time

import pytest

from workloads.notifications.sandbox import budget as budgets
from workloads.notifications.sandbox.budget import MAX_CHARACTERS, WORK_LIMIT, Budget
from workloads.notifications.sandbox.errors import TemplateLimitError


def test_work_is_done_up_to_the_limit_and_no_further():
    budget = Budget()
    for _ in range(1000):
        budget.spend(WORK_LIMIT // 1000)
    assert budget.left == 0
    with pytest.raises(TemplateLimitError, match="10,000,000 units"):
        budget.spend(1)


def test_a_text_is_refused_for_its_length_before_there_is_too_little_work_left():
    budget = Budget()
    budget.spend_text(MAX_CHARACTERS)
    with pytest.raises(TemplateLimitError, match="more than 1048576 characters"):
        budget.spend_text(MAX_CHARACTERS + 1)


def test_a_rendering_that_takes_too_long_is_stopped_though_it_has_work_left(monkeypatch):
    monkeypatch.setattr(budgets, "MAX_CPU_SECONDS", 0.0)
    budget = Budget()
    budget.spend(WORK_LIMIT // 2)
    began_at = time.thread_time()
    while time.thread_time() == began_at:
        pass
    with pytest.raises(TemplateLimitError, match="takes more than 0 s"):
        budget.spend(WORK_LIMIT // 4)
