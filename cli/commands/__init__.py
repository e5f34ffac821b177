"""The commands, a module for each sort of thing one does."""
