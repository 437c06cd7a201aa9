"""Samples of `events/` run by hand against a running `make up`: `make events`, `make invoke` and `make start-api`.

With SAM's containers where a container engine answers, otherwise as processes of this machine.
"""
