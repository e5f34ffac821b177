"""The product's function app under another name, for apps that add workloads of tests to it."""

import importlib.util
from pathlib import Path

import azure.durable_functions as df

PRODUCT = Path(__file__).parents[3] / "function_app.py"


def load() -> df.DFApp:
    """Load the app; whatever workloads are registered by then are part of it."""
    spec = importlib.util.spec_from_file_location("product_app", PRODUCT)
    assert spec is not None and spec.loader is not None
    product = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(product)
    app: df.DFApp = product.app
    return app
