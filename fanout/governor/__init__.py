"""The rules of what a run may begin, and the state they are applied to."""
