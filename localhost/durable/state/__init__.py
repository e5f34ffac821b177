"""Unfinished orchestrations as they live in memory: instances, their tasks, their turns."""
