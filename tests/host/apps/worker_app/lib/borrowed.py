"""Is found by PYTHONPATH alone."""

ORIGIN = "lib"
