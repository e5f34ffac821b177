"""Activities that begin a run and plan its batches."""
