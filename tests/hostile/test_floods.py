"""Any number of generated calls, messages and blobs: no 500, budgets held, neighbours unharmed.

The same numbers give the same. A short run takes a few by chance; a long one counts up, so that
each place of the schema has a value of each kind. What fails says its number.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage

from tests.support.hostile.forms import any_chance, is_long
from tests.support.hostile.generated.blob_runs import choose_workload, request_of, run_apart
from tests.support.hostile.generated.blobs import generate_blob
from tests.support.hostile.generated.flood import Reply, send_all
from tests.support.hostile.generated.messages import generate_message
from tests.support.hostile.generated.stressed_product import (
    ANSWER_SECONDS,
    MAX_PEAK_MIB,
    StressedProduct,
    stressed_product,
)
from tests.support.hosts.fanout_bus import reason_of

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(14_400),
    pytest.mark.needs_service_bus,
    pytest.mark.needs_settings,
    pytest.mark.needs_embedded,
]
# How many of each there are for each second that is asked for.
CALLS, MESSAGES, STORED, BLOBS = 40, 6, 1, 12
GOOD_MESSAGE = b'{"workload": "probe", "source": {"kind": "inline", "items": [{"id": 1}]}}'
EVERY_GOOD = 10
SOUND_REASONS = {"InvalidRequest", "RequestTooLarge", "RunConflict"}


@pytest.fixture(scope="module")
def stressed(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StressedProduct]:
    with stressed_product(storage, tmp_path_factory.mktemp("floods")) as stressed:
        yield stressed


def numbers(share: int, seconds: float) -> range:
    """So many numbers: from any on for a short time, else from the first."""
    first = 0 if is_long(seconds) else any_chance().randrange(10**9)
    print(f"first number: {first}")
    return range(first, first + int(share * seconds))


def is_harmless(reply: Reply) -> bool:
    return reply.is_sound and reply.seconds <= ANSWER_SECONDS


def insist_on_harmless(replies: Iterator[Reply]) -> None:
    statuses = Counter[int]()
    slowest, bad = 0.0, []
    for reply in replies:
        statuses[reply.status] += 1
        slowest = max(slowest, reply.seconds)
        bad += [reply] if not is_harmless(reply) else []
    print(f"{statuses.total()} answers, by status: {statuses}; slowest: {slowest:.2f} s")
    assert not bad, (len(bad), [(r.status, r.seconds, r.text, r.call) for r in bad[:5]])


def test_every_call_is_answered(stressed: StressedProduct, chaos_seconds: float):
    chosen = numbers(CALLS, chaos_seconds)
    with stressed.insist_on_calm():
        insist_on_harmless(send_all(stressed.host, map(stressed.calls.generate, chosen)))


def bad_and_good(chosen: range) -> Iterator[Any]:
    for number in chosen:
        yield generate_message(number).message
        if number % EVERY_GOOD == 0:
            yield ServiceBusMessage(GOOD_MESSAGE, message_id=f"good-{number}")


def test_every_message_is_settled_by_itself(stressed: StressedProduct, chaos_seconds: float):
    chosen = numbers(MESSAGES, chaos_seconds)
    good = [f"good-{number}" for number in chosen if number % EVERY_GOOD == 0]
    with stressed.insist_on_calm():
        stressed.bus.send(bad_and_good(chosen))
        stressed.bus.wait_until_settled()
        letters = [*filter(is_of_request, stressed.bus.dead_letters_now())]
        reasons = Counter(map(reason_of, letters))
    assert good
    for run_id in good:
        assert stressed.product.done(run_id)["outcome"] == "succeeded"
    short = Counter({reason: 0 for reason, _ in reasons})
    for (reason, _), count in reasons.items():
        short[reason] += count
    print(f"{len(chosen)} messages and {len(good)} good ones; dead letters: {short}")
    assert short.keys() <= SOUND_REASONS, [pair for pair in reasons if pair[0] not in SOUND_REASONS]


def is_of_request(letter: ServiceBusReceivedMessage) -> bool:
    """Tell whether a dead letter was a request; items that runs have given up on are others."""
    return b"DeadLetterSource" in (letter.application_properties or {})


def test_every_stored_blob_is_asked_for_and_run_over(
    stressed: StressedProduct, chaos_seconds: float
):
    chosen = numbers(STORED, chaos_seconds)
    with stressed.insist_on_calm(), ThreadPoolExecutor(4) as pool:
        ends = Counter(pool.map(lambda number: run_over(stressed, number), chosen))
    print(f"{len(chosen)} blobs in storage: {ends}")


def run_over(stressed: StressedProduct, number: int) -> str:
    """Ask what would be done over a blob, then do it; give its end."""
    product, blob = stressed.product, generate_blob(number)
    name = product.upload(blob.data, f"{number}/blob")
    request = request_of(blob, product.inbox.container_name, name, choose_workload(blob, number))
    for is_dry in (True, False):
        answer = product.post(request | {"dry_run": is_dry})
        assert answer.status in (200, 202, 400), (blob.kind, answer.status, answer.body)
        if answer.status == 400:
            assert not blob.good, (blob.kind, answer.body)
            return "refused"
    status = product.done(answer.json["run_id"], 240)
    assert status["items"]["succeeded"] >= len(blob.good), (blob.kind, status)
    return str(status["outcome"])


def test_every_run_over_a_blob_ends_and_its_good_rows_succeed(chaos_seconds: float):
    chosen = numbers(BLOBS, chaos_seconds)
    ends = [*run_apart(chosen.start, len(chosen))]
    slowest, peak = max(end.seconds for end in ends), max(end.peak_mib for end in ends)
    print(f"{len(ends)} blobs; slowest: {slowest:.2f} s; peak: {peak} MiB")
    assert len(ends) == len(chosen)
    assert [end for end in ends if end.raised or end.lost] == []
    assert peak <= MAX_PEAK_MIB
