"""Calls: from the request to the last hang-up."""
