"""The command line of the people who run the platform: `__main__.py`, with a file for each kind of command."""
