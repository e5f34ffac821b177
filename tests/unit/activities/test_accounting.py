import pytest

from activities.accounting import account_activity
from fanout.models.usage import Usage

REF = {"run_id": "r", "attempt": 1}


def used(ask: dict[str, object], writes: int = 0) -> Usage:
    with account_activity(ask) as account:
        account.note("blob_writes", writes)
        return account.activity


def fail(ask: dict[str, object], writes: int) -> None:
    with pytest.raises(OSError), account_activity(ask) as account:
        account.note("blob_writes", writes)
        raise OSError


def test_an_activity_says_what_it_has_used():
    usage = used(REF, 3)
    assert (usage.activities, usage.blob_writes, usage.billed_ms) == (1, 3, 1000)


def test_what_failed_activities_have_used_is_said_once_by_the_next_of_their_run():
    fail(REF, 3)
    fail(REF, 4)
    assert used({"run_id": "other"}).activities == 1
    usage = used(REF, 1)
    assert (usage.activities, usage.blob_writes, usage.billed_ms) == (3, 8, 3000)
    assert used(REF).activities == 1


@pytest.mark.parametrize("ask", [{"work": REF, "at": ""}, {"batch": REF, "step": "pay"}])
def test_what_is_asked_about_work_or_a_batch_is_about_its_run(ask: dict[str, object]):
    fail(REF, 5)
    assert used(ask).blob_writes == 5
