"""Access: accounts, credentials, tokens, and the audit."""
