"""Notifying: SPs are told what has happened."""
