"""Adapters: one external service per file."""
