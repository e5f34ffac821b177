"""The media types of the blobs and messages that Fanout writes."""

JSON = "application/json"
JSON_LINES = "application/jsonl"
BYTES = "application/octet-stream"
