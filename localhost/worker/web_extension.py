"""The web extension of Microsoft's that an app may import: then its HTTP functions stream.

It is the app's, so nothing of it is imported here.
"""

import sys
from typing import Any

EXTENSIONS = "azurefunctions.extensions.base"


def is_enabled() -> bool:
    """Whether the app has imported a web extension; then all of its HTTP functions stream."""
    extensions = sys.modules.get(EXTENSIONS)
    return extensions is not None and bool(extensions.HttpV2FeatureChecker.http_v2_enabled())


def fits(annotation: Any, *, is_output: bool) -> bool:
    """Whether the worker of Azure takes an annotation of such a function."""
    extensions = sys.modules[EXTENSIONS]
    tracker = extensions.ResponseTrackerMeta if is_output else extensions.RequestTrackerMeta
    return bool(tracker.check_type(annotation))
