"""Activities that fan in: from part files to result files."""
