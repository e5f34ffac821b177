"""About how many different texts there are: a CPC sketch of Apache DataSketches.

A sketch takes at most 1.3 KiB, however many texts it has seen. What it knows is a set of hashes'
traces, and merging unites two such sets: neither order nor cuts change an estimate.

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


def sketch_of(texts: Iterable[str]) -> Sketch:
    """Note some texts."""
    from datasketches import cpc_sketch, cpc_union

    sketch = cpc_sketch(LG_K)
    for text in texts:
        sketch.update(text)
    if sketch.is_empty():
        return NOTHING
    # One that was never united estimates by the order of what came: not so its union.
    union = cpc_union(LG_K)
    union.update(sketch)
    return bytes(union.get_result().serialize())


def merged(left: Sketch, right: Sketch) -> Sketch:
    """Unite."""
    from datasketches import cpc_sketch, cpc_union

    if not left or not right:
        return left or right
    union = cpc_union(LG_K)
    union.update(cpc_sketch.deserialize(left))
    union.update(cpc_sketch.deserialize(right))
    return bytes(union.get_result().serialize())


def estimate(sketch: Sketch) -> int:
    """Tell about how many there are."""
    from datasketches import cpc_sketch

    return round(cpc_sketch.deserialize(sketch).get_estimate()) if sketch else 0
