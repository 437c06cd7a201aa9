"""The operator's console, over stores in memory."""
