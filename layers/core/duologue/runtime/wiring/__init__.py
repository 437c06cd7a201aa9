"""One module per function: its adapters, built once per process, on first use.

Tests pass their own `Dependencies` to a handler's `answer` function instead.
"""
