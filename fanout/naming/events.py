"""The names of events that orchestrations wait for."""

# A run that waits has a place now, or is to ask why it waits any longer.
TURN = "turn"
