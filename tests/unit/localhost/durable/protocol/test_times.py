from datetime import UTC, datetime

from localhost.durable.protocol.times import instant


def test_times_of_the_sdk_and_of_dotnet_are_read_as_utc():
    expected = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert instant("2026-01-02T03:04:05.123456Z") == expected
    assert instant("2026-01-02T03:04:05.1234567Z") == expected
    assert instant("2026-01-02T03:04:05.123456") == expected
