"""What an engine call may raise."""


class DurableError(Exception):
    """What an engine call may raise; `api.answers` gives each its status code."""


class InstanceNotFoundError(DurableError):
    """No such instance."""


class InstanceFinishedError(DurableError):
    """The instance has ended and takes no more messages."""


class InstanceExistsError(DurableError):
    """An instance of this id is running and may not be replaced."""


class InvalidOperationError(DurableError):
    """It is so already (suspend when suspended, resume when not)."""


class WrongStateError(DurableError):
    """The state of the instance forbids this (purge while it runs, rewind when not failed)."""


class UnknownFunctionError(DurableError):
    """The app has no such entity; the message lists the known ones."""


class UnstorableError(DurableError):
    """The store cannot hold a value: it is too large, or of no kind that it knows."""


class RefusedWriteError(DurableError):
    """The store does not take what one step wrote; it takes what others write."""


class StorageRefusalError(DurableError):
    """Azure Storage does not take it: too long an id, a page of fewer than no instances."""
