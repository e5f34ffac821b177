"""From the store back to memory: at a start, after a rewind, and to examine a store."""
