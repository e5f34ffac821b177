"""What the host costs keeps to its budgets; `python -m bench footprint` measures it at length."""

from bench import footprint

MEBIBYTES_OF_AN_IDLE_HOST = 150
MEBIBYTES_OF_20_000_ACTIVITIES = 1024


def test_the_host_answers_within_two_seconds_of_its_start() -> None:
    # The best of three: other tests run at the same time.
    assert min(footprint.measure_start("--no-stack", times=3)) < 2


def test_an_idle_host_uses_little_of_a_core_and_of_memory() -> None:
    percent, mib = footprint.measure_idle(seconds=3)
    assert percent < 2
    assert mib < MEBIBYTES_OF_AN_IDLE_HOST


def test_an_orchestrator_with_20_000_activities_keeps_to_a_gibibyte() -> None:
    peak_mib, _ = footprint.measure_wide()
    assert peak_mib < MEBIBYTES_OF_20_000_ACTIVITIES


def test_two_workers_share_what_activities_compute() -> None:
    # By processor time, since other tests keep the cores busy.
    _, one = footprint.seconds_in_workers(1, rounds=1_000_000)
    _, two = footprint.seconds_in_workers(2, rounds=1_000_000)
    assert one / two >= 1.7
