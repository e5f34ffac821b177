"""The messages that pass between rooms: pydantic at the edges, frozen, old samples still load."""
