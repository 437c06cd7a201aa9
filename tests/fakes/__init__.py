"""Fakes that record: one file per port, each a small working thing."""
