"""The rules for a service that workloads call: a breaker and a rate limit."""
