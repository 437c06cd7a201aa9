"""Carriers: requests to the network of each, and what it has to be given."""
