"""The blueprints of all that is served over HTTP, in the order in which functions are listed."""

from starters.api import (
    control,
    details,
    diagnosis,
    health,
    listing,
    openapi,
    redrive,
    results,
    runs,
    schedules,
    workloads,
)

API = (
    runs.bp,
    results.bp,
    listing.bp,
    details.bp,
    control.bp,
    redrive.bp,
    workloads.bp,
    schedules.bp,
    health.bp,
    diagnosis.bp,
    openapi.bp,
)
