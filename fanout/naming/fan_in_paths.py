"""The blob paths of a fan-in: ranges of batches on their way into the result files."""


def layout_path(run_id: str, attempt: int) -> str:
    """How the batches of a run are divided into ranges: ``plan/fan-in-a1.json``."""
    return f"{run_id}/plan/fan-in-a{attempt}.json"


def range_plan_path(run_id: str, attempt: int, number: int) -> str:
    """The batches of one range (0-based): ``plan/fan-in-a1-00003-batches.json``."""
    return f"{run_id}/plan/fan-in-a{attempt}-{number:05d}-batches.json"


def range_path(run_id: str, attempt: int, number: int) -> str:
    """What one range came to, its files and counts: ``plan/fan-in-a1-00003.json``."""
    return f"{run_id}/plan/fan-in-a{attempt}-{number:05d}.json"


def merged_path(run_id: str, attempt: int, level: int, number: int) -> str:
    """A partial merged from many: ``plan/fan-in-a1-m0-00003.partial.json``.

    Args:
        run_id: The run.
        attempt: The attempt of the run that is fanned in.
        level: Of the merge tree; 0 has one partial for each range.
        number: 0-based within the level, in source order.
    """
    return f"{run_id}/plan/fan-in-a{attempt}-m{level}-{number:05d}.partial.json"
