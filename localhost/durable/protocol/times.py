"""Times as the extension writes them and the SDK reads them."""

from datetime import UTC, datetime


def stamp(at: datetime) -> str:
    """Format an aware UTC time as .NET does, with seven digits and the Z the SDK needs."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def instant(text: str) -> datetime:
    """Parse a stored or an SDK-made time; one without a zone is UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
