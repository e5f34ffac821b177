"""Reading sources: blobs and sets of blobs, by their format."""
