"""How large items get once they are decoded, and dividing what would be too large."""
