"""From the bytes that a blob stores to those of its text: uncompressed, in UTF-8."""
