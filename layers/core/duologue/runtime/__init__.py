"""What a process of ours is made of: settings, logging, wiring, and the guard of last resort."""
