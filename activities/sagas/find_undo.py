"""The activity `find_undo`: tells a saga of a redrive what an earlier attempt has left of it."""

from activities.sagas.saga_files import kept_items
from fanout.adapters.run_files.files import RunFiles, files_of
from fanout.messages.sagas import FindUndoAsk, FindUndoResult


def find_undo(ask: FindUndoAsk) -> FindUndoResult:
    """Find what a saga is to undo."""
    return find_undo_of(ask, files_of(ask.batch))


def find_undo_of(ask: FindUndoAsk, files: RunFiles) -> FindUndoResult:
    """Find what a saga is to undo, as its batch has it written down."""
    item = kept_items(files, ask.batch)[ask.saga.index]
    return FindUndoResult(undo=item.undo, has_begun=item.has_begun)
