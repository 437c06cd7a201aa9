"""Call memory: calls to display numbers, and the memories that decide about them."""
