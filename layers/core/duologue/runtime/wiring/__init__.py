"""One module a function: the adapters that it runs with, built once a process, on first use.

Tests hand their own `Dependencies` to a handler's `answer` function instead.
"""
