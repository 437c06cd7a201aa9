"""One verb phrase per file; what a use case needs comes in as arguments."""
