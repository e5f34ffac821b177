"""A plugin of pytest that prints what each collected test needs of its host, a line of JSON."""

import json

import pytest

PREFIX = "needs of each test: "


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print the markers of all tests that say what a host must have."""
    needs = [
        sorted({marker.name for marker in item.iter_markers() if marker.name.startswith("needs_")})
        for item in session.items
    ]
    print(f"\n{PREFIX}{json.dumps(needs)}")
