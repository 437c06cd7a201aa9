"""Use cases: one verb phrase per file. Ports are passed in."""
