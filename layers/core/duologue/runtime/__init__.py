"""What a process of ours is made of: settings, wiring, logging."""
