"""Faults of Lambda to inject in tests: a throttled function, and a function that dies at one of its requests to AWS.

with dies("duologue-Flow", at="dynamodb:UpdateItem", when="after"):
    …

Rule: a fault affects the given number of next invocations, and ends with its block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from lab.aws.overlay.lambda_task import throttle
from lab.aws.overlay.requests import DEATHS, Death


@contextmanager
def throttled(function: str, *, times: int = 1) -> Iterator[None]:
    """Lambda refuses the next invocations of this function by a state machine: `Lambda.TooManyRequestsException`."""
    throttle(function, times)
    try:
        yield
    finally:
        throttle(function, 0)


@contextmanager
def dies(function: str, *, at: str, when: Literal["before", "after"], times: int = 1) -> Iterator[list[str]]:
    """Kill the function's process when it requests an operation, before or after the operation was carried out.

    `at`: for example `dynamodb:UpdateItem` or `chime:CreateSipMediaApplicationCall`, of a service that
    `overlay/requests.py` watches. Yields a list that gets one entry per death.
    """
    death = Death(function, at, when, times)
    DEATHS.append(death)
    try:
        yield death.deaths
    finally:
        DEATHS.remove(death)
