"""What orchestrators and activities tell each other: references and counts, no data."""
