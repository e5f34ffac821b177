"""The core of Fanout: what a run is, how it is split and merged, and what may go wrong.

Everything here is pure except `fanout.adapters`, its only floor with I/O.
"""
