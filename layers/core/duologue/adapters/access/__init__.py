"""Access: accounts, secrets, attempts, and the audit."""
