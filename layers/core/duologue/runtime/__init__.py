"""The runtime of the functions: settings, logging, wiring, and the handler of last resort."""
