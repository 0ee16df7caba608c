"""Request bodies read within limits: strict JSON, NDJSON lines, multipart files."""
