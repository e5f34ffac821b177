"""The index of all runs: its pages, its repair, and what earlier versions of the app have left."""
