"""The rules of a saga: its steps, and what is undone when one fails."""
