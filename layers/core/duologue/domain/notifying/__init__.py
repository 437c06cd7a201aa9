"""Notifying: what SPs are told, where, and when again."""
