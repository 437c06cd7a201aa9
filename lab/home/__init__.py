"""The lab's home page: what runs, which switches are changed, what to try first, and how to stop it.

It knows only what `make up` gives it (`lab/home/server.py`), and changes nothing.
"""
