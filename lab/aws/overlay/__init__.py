"""Corrections of MiniStack where it differs from AWS.

Rule: one module per correction; each says what AWS does, with its source, and what MiniStack does instead; each has a
contract test in tests/e2e/cloud or tests/contract that fails on MiniStack alone.

Known differences that are not corrected: the history of an execution is abbreviated; a state machine's definition is
not validated when it is created; TTL deletes within a minute; Lambda memory is not limited; queue capacity is not
limited; there is no AWS WAF.
"""

from __future__ import annotations

from lab.aws.overlay import (
    alarms,
    cold_partitions,
    encryption_context,
    event_sources,
    executions,
    iam_names,
    index_members,
    invocations,
    lambda_logs,
    lambda_pool,
    lambda_process,
    lambda_task,
    leading_keys,
    log_filters,
    method_settings,
    metrics,
    no_containers,
    passing,
    paths,
    requests,
    rest_import,
    rest_proxy,
    retention,
    retry,
    schedules,
    secure_transport,
    stack_resources,
    task_state,
    task_tokens,
    throttling,
    traces,
    transactions,
)

POINTS = (
    no_containers,
    requests,
    traces,
    throttling,
    transactions,
    invocations,
    lambda_process,
    lambda_pool,
    lambda_logs,
    log_filters,
    stack_resources,
    metrics,
    alarms,
    event_sources,
    schedules,
    passing,
    rest_import,
    method_settings,
    rest_proxy,
    task_tokens,
    retry,
    paths,
    task_state,
    lambda_task,
    executions,
    iam_names,
    secure_transport,
    encryption_context,
    leading_keys,
    cold_partitions,
    index_members,
    retention,
)
"""In the order in which they are applied."""

_applied = False


def applied() -> bool:
    """Whether this process's MiniStack is corrected."""
    return _applied


def apply() -> None:
    """Correct the MiniStack of this process, once."""
    global _applied
    if not _applied:
        for point in POINTS:
            point.apply()
        _applied = True
