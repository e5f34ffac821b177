"""The embedded Functions host: runs a Python function app without Core Tools, Docker or a network.

For one developer's machine and for tests; never deployed.
"""
