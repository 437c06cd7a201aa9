"""The audit."""

from datetime import timedelta

from duologue.adapters.access.dynamo_audit import DynamoAudit
from duologue.adapters.basics.aws import NORMAL
from duologue.adapters.basics.aws_clients import client
from duologue.runtime.settings import setting
from duologue.usecases.ports.audit import AuditLog


def audit() -> AuditLog:
    keep = timedelta(days=int(setting("KEEP_AUDIT_DAYS")))
    return DynamoAudit(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE"), keep)
