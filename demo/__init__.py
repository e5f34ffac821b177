"""`make demo`: a real job from start to result, as a client of the API sees it.

The demo starts the embedded host as a process, and uses its HTTP API and its Blob storage. It
imports nothing of the app.
"""
