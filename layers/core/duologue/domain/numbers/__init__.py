"""Numbers: which may be dialled or shown."""
