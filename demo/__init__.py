"""`make demo`: a real job from start to result, seen as any client of the API would see it.

The demo starts the embedded host as a process and speaks to it by HTTP, and to its storage by the
Blob API. It imports nothing of the app.
"""
