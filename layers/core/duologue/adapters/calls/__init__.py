"""Calls: their table, their slots and their flow."""
