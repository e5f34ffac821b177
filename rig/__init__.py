"""Hosts, their storage and their workers as processes that tests and benchmarks start and kill."""
