"""What a process keeps is bounded in number and in bytes."""

from sys import getsizeof

from hypothesis import given
from hypothesis import strategies as st

from fanout.adapters.run_files.kept import (
    Kept,
    KeptClaims,
    weigh_manifest,
    weigh_partition,
    weigh_request,
)
from fanout.models.plan import Cut, PartitionPlan, PlanManifest
from fanout.models.request import InlineSource, RunRequest

MAX, MAX_BYTES = 5, 1_000
Put = st.tuples(st.integers(0, 9), st.integers(0, 1_500))


@given(st.lists(Put, max_size=60))
def test_it_keeps_what_was_asked_for_last_and_no_more_than_it_may(puts: list[tuple[int, int]]):
    kept: Kept[bytes] = Kept(MAX, MAX_BYTES, len)
    model: dict[int, int] = {}  # in the order in which they were asked for
    for key, size in puts:
        kept.put(key, bytes(size))
        model.pop(key, None)
        model[key] = size
        while len(model) > 1 and (len(model) > MAX or sum(model.values()) > MAX_BYTES):
            del model[next(iter(model))]
    loaded: list[int] = []
    for key in [*model]:
        assert len(kept.get(key, lambda key=key: loaded.append(key) or b"")) == model[key]
    assert loaded == []


def test_what_is_cleared_is_loaded_again():
    kept: Kept[bytes] = Kept(MAX, MAX_BYTES, len)
    assert kept.get("a", lambda: b"1") == kept.get("a", lambda: b"2") == b"1"
    kept.clear()
    assert kept.get("a", lambda: b"2") == b"2"


def test_a_request_weighs_what_its_parsed_items_take():
    items = [{"id": number} for number in range(1_000)]
    request = RunRequest(workload="w", source=InlineSource(kind="inline", items=items))
    assert weigh_request(request) > 100_000


def test_a_manifest_weighs_what_the_cuts_in_it_take():
    cuts = [Cut(10_000 + n, 10_001 + n, 20_000 + n, 1, 30_000 + n) for n in range(2_500)]
    only = PartitionPlan(partition=0, cuts=cuts)
    counts = {"items": 2_500, "cuts": 2_500, "partitions": 1, "cuts_per_partition": 2_500}
    empty, full = (PlanManifest(**counts, only=plan) for plan in (None, only))
    taken = sum(getsizeof(cut) + sum(map(getsizeof, cut)) for cut in cuts)
    assert weigh_manifest(full) - weigh_manifest(empty) == weigh_partition(only) > taken / 2


def test_a_run_with_another_claim_is_another_run():
    claims = KeptClaims()
    assert claims.keep("r", "a") and claims.keep("s", "b") and claims.keep("r", "a")
    assert not claims.keep("r", "c"), "what is kept is of the run that was deleted"
    assert claims.keep("r", "c")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), max_size=80))
def test_claims_of_few_runs_are_kept_and_no_change_of_a_claim_is_missed(
    calls: list[tuple[int, int]],
):
    claims, filled = KeptClaims(size=4), dict[int, int]()
    for run, claim in calls:
        if not claims.keep(f"r{run}", f"c{claim}"):
            filled.clear()  # whoever is told so forgets what it has kept of any run
        assert filled.setdefault(run, claim) == claim
        assert len(claims._claims) <= 4
