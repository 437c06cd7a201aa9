"""A second carrier: the platform carries calls by it, and nothing of the first one is made."""
