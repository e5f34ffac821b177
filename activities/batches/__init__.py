"""Activities that work off batches, and what steers them."""
