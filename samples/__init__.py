"""Small real inputs, each with its source and licence beside it."""
