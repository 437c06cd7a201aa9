"""Requests that a stranger can send to the API, or an SP to what is another's: drawn from a seed, and judged.

`make hostile REQUESTS=100000 SEED=1` sends them in process, through the edge that the lab has (edge.py).
"""
