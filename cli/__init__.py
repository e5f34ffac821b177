"""The command line: a client of the HTTP API, and of Blob storage for files that it uploads."""
