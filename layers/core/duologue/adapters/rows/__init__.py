"""Rows: what is stored in the tables, as items, and back."""
