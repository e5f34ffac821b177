"""Parquet blobs: their footers, their row groups, and rows of them as lines of JSON."""
