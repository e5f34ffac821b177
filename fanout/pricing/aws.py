"""What AWS Step Functions Distributed Map would charge for the same items.

An item is a child execution of one task, a Lambda function of the memory of an instance here.
Starting a child is one state transition of the parent, of either type; in a Standard child its task
is another. Reading the source and writing results from and to S3 is left out.
Sources: https://aws.amazon.com/step-functions/pricing/, https://aws.amazon.com/lambda/pricing/,
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html.
"""

from typing import Literal

from fanout.models.usage import MapCost
from fanout.pricing.azure import INSTANCE_GB
from fanout.pricing.billing import STEP_MS, in_steps
from fanout.pricing.prices import Prices

Children = Literal["standard", "express"]
# An Express child is billed for the memory of its definition and payload, in chunks of 64 MB.
EXPRESS_GB = 64 / 1024
TRANSITIONS_A_STANDARD_CHILD = 2
TRANSITIONS_AN_EXPRESS_CHILD = 1
DOLLAR_DIGITS = 8


def map_costs(items: int, work_ms: float, prices: Prices) -> MapCost:
    """What both types of children cost.

    Args:
        items: How many items there are, each a child.
        work_ms: How long all of them take together.
        prices: The price table.
    """
    return MapCost(
        standard=map_cost(items, work_ms, prices, "standard"),
        express=map_cost(items, work_ms, prices, "express"),
    )


def map_cost(
    items: int,
    work_ms: float,
    prices: Prices,
    children: Children,
    memory_gb: float = INSTANCE_GB,
) -> float:
    """What one type of children costs, in US dollars."""
    if not items:
        return 0.0
    item_ms = work_ms / items
    functions = lambda_cost(items, item_ms, prices, memory_gb)
    if children == "standard":
        return round(
            functions + _transitions(items, TRANSITIONS_A_STANDARD_CHILD, prices), DOLLAR_DIGITS
        )
    express = _transitions(items, TRANSITIONS_AN_EXPRESS_CHILD, prices)
    return round(functions + express + _express_cost(items, item_ms, prices), DOLLAR_DIGITS)


def lambda_cost(calls: int, call_ms: float, prices: Prices, memory_gb: float) -> float:
    """What so many calls of a Lambda function cost; each takes a millisecond at least."""
    seconds = calls * max(1, in_steps(call_ms, 1)) / 1000
    requests = prices.aws["lambda_request"].of(calls)
    return requests + prices.aws["lambda_gb_second"].of(seconds * memory_gb)


def _express_cost(children: int, child_ms: float, prices: Prices) -> float:
    seconds = children * max(STEP_MS, in_steps(child_ms, STEP_MS)) / 1000
    requests = prices.aws["express_request"].of(children)
    return requests + prices.aws["express_gb_second"].of(seconds * EXPRESS_GB)


def _transitions(children: int, each: int, prices: Prices) -> float:
    return prices.aws["state_transition"].of(children * each)
