"""The life of a run, whatever triggers it: checked, claimed, started, looked at, ended, deleted.

Nothing here knows of HTTP, timers, queues or blobs: the triggers call this room.
"""
