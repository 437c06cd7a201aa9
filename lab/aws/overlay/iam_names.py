"""Batch operations of SQS are authorized under the name of the single operation.

AWS: SendMessageBatch, DeleteMessageBatch and ChangeMessageVisibilityBatch have no IAM actions of their own; a policy
that allows sqs:SendMessage allows the batch.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html

MiniStack: requires sqs:SendMessageBatch, which does not exist on AWS.
"""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack

SINGLE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def apply() -> None:
    """Rename the action that MiniStack derives from a request before it evaluates the policies."""
    actions = ministack("core.iam_actions")
    stock = actions.extract_iam_action

    def extract(*arguments: Any, **named: Any) -> str | None:
        action: str | None = stock(*arguments, **named)
        return SINGLE.get(action, action) if action else None

    actions.extract_iam_action = extract
