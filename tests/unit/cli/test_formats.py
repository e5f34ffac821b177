import pytest

from cli import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.44, "0.4 s"),
        (59.6, "60 s"),
        (185, "3:05 min"),
        (7380, "2:03 h"),
        (388_800, "4.5 days"),
    ],
)
def test_durations(seconds: float | None, text: str):
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(12, "12 bytes"), (1536, "1.5 KiB"), (5 * 1024**2, "5.0 MiB"), (3 * 1024**4, "3.0 TiB")],
)
def test_sizes(number: int, text: str):
    assert formats.size(number) == text


def test_rates_and_counts():
    assert [formats.rate(n) for n in (None, 0.5, 99.95, 12_345.6)] == [
        "",
        "0.5/s",
        "100.0/s",
        "12,346/s",
    ]
    assert [formats.count(n) for n in (None, 0, 1234567)] == ["", "0", "1,234,567"]


def test_a_run_that_goes_on_shows_its_phase():
    assert "processing" in formats.outcome({"outcome": None, "phase": "processing"})
    assert "partially succeeded" in formats.outcome({"outcome": "partially_succeeded"})
