"""Adapters of accounts and tokens."""

from duologue.adapters.access.auth_metrics import count_failed_authentication
from duologue.adapters.access.dynamo_accounts import DynamoAccounts
from duologue.adapters.access.dynamo_auth_attempts import DynamoAuthAttempts
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.basics.aws import NORMAL
from duologue.adapters.basics.aws_clients import client, lazy_client
from duologue.adapters.media.kms_link_tokens import KmsLinkTokens
from duologue.runtime.settings import setting


def dynamo_accounts() -> DynamoAccounts:
    return DynamoAccounts(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE"), KmsSecrets(lazy_client("kms", NORMAL)))


def link_tokens() -> KmsLinkTokens:
    return KmsLinkTokens(lazy_client("kms", NORMAL), setting("LINKS_KEY"))


def dynamo_auth_attempts() -> DynamoAuthAttempts:
    return DynamoAuthAttempts(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE"), count_failed_authentication)
