"""Every id, path and key of a run, each in one place with its inverse."""
