"""The least that a function of ours can be: boto3 and one client. What the others are measured against."""

import boto3

client = boto3.client("dynamodb")


def handler(event: object, context: object) -> None:
    return None
