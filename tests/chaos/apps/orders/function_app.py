"""The product as it stands, with orders whose steps fail by the order's number."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
sys.path.insert(0, str(ROOT))

import tests.support.chaotic_orders  # noqa: E402,F401 - it registers them

# Both are called function_app, so the product's is loaded under another name.
spec = importlib.util.spec_from_file_location("product_app", ROOT / "function_app.py")
assert spec is not None and spec.loader is not None
product = importlib.util.module_from_spec(spec)
spec.loader.exec_module(product)
app = product.app
