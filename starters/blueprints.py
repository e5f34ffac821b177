"""The blueprints of the HTTP API, for who puts the rooms together."""

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
