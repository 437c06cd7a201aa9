"""The only home of SP-facing foreign names."""
