"""Access: accounts, credentials and tokens."""
