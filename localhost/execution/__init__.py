"""From an invocation to its result: what a function is, and which process runs it."""
