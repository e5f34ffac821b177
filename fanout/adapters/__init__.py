"""The only floor of the core with I/O: storage, settings, credentials and logs."""
