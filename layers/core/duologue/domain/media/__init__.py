"""Media: prompts and recordings."""
