import secrets

import pytest

from activities.accounting import account_activity
from fanout.models.usage import Usage


@pytest.fixture
def ref() -> dict[str, object]:
    return {"run_id": secrets.token_hex(8), "attempt": 1}


def used(ask: dict[str, object], writes: int = 0) -> Usage:
    with account_activity(ask) as account:
        account.note("blob_writes", writes)
        return account.activity


def fail(ask: dict[str, object], writes: int) -> None:
    with pytest.raises(OSError), account_activity(ask) as account:
        account.note("blob_writes", writes)
        raise OSError


def test_an_activity_says_what_it_has_used(ref: dict[str, object]):
    usage = used(ref, 3)
    assert (usage.activities, usage.blob_writes, usage.billed_ms) == (1, 3, 1000)


def test_what_failed_activities_have_used_is_said_once_by_the_next_of_the_run(
    ref: dict[str, object],
):
    fail(ref, 3)
    fail(ref, 4)
    assert used({"run_id": "another"}).activities == 1
    usage = used(ref, 1)
    assert (usage.activities, usage.blob_writes, usage.billed_ms) == (3, 8, 3000)
    assert used(ref).activities == 1


@pytest.mark.parametrize("part", ["work", "batch"])
def test_what_is_asked_about_work_or_a_batch_is_about_its_run(part: str, ref: dict[str, object]):
    ask: dict[str, object] = {part: ref, "at": ""}
    fail(ask, 5)
    assert used(ref).blob_writes == 5
