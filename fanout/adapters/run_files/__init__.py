"""The files of a run in Blob storage."""
