"""Approximate counts of distinct texts: CPC sketches of Apache DataSketches.

A sketch takes at most 1.3 KiB, however many texts it has seen. It holds a set made from their
hashes, and merging unites two sets: neither order nor cuts change an estimate.

Source: K. J. Lang, Back to the Future: an Even More Nearly Optimal Cardinality Estimation
Algorithm, 2017; https://datasketches.apache.org/docs/CPC/CpcPerformance.html
"""

import math
from collections.abc import Iterable

Sketch = bytes
"""A serialised sketch; empty where no text was seen."""

LG_K = 11
RELATIVE_ERROR = math.log(2) / math.sqrt(2**LG_K)
"""The standard error of an estimate, as a part of it: 1.5 %.

Two of three estimates are within one standard error, 99.7 % within three. Counts of a few
dozen are nearly exact.
"""
NOTHING: Sketch = b""


def sketch_texts(texts: Iterable[str]) -> Sketch:
    """Make a sketch of texts."""
    from datasketches import cpc_sketch, cpc_union

    sketch = cpc_sketch(LG_K)
    for text in texts:
        sketch.update(text)
    if sketch.is_empty():
        return NOTHING
    # The estimate of a plain sketch depends on the order of the texts; that of a union does not.
    union = cpc_union(LG_K)
    union.update(sketch)
    return bytes(union.get_result().serialize())


def merge_sketches(first: Sketch, second: Sketch) -> Sketch:
    """Unite two sketches."""
    from datasketches import cpc_sketch, cpc_union

    if not first or not second:
        return first or second
    union = cpc_union(LG_K)
    union.update(cpc_sketch.deserialize(first))
    union.update(cpc_sketch.deserialize(second))
    return bytes(union.get_result().serialize())


def estimate_count(sketch: Sketch) -> int:
    """Estimate how many distinct texts a sketch has seen."""
    from datasketches import cpc_sketch

    return round(cpc_sketch.deserialize(sketch).get_estimate()) if sketch else 0
