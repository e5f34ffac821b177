"""Activities that end an attempt of a run, and tell others."""
