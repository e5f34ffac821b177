"""HTTP as the Functions host speaks it: routes, cross-origin requests, the admin endpoints."""
