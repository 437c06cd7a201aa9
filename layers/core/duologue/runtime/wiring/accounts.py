"""The accounts and tokens, for every function that asks who an SP is, or gives it a link."""

from duologue.adapters.aws_clients import steady, steady_on_first_use
from duologue.adapters.dynamo_accounts import DynamoAccounts
from duologue.adapters.dynamo_gate import DynamoGate
from duologue.adapters.kms_link_tokens import KmsLinkTokens
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.runtime.settings import setting


def dynamo_accounts() -> DynamoAccounts:
    return DynamoAccounts(steady("dynamodb"), setting("ACCOUNTS_TABLE"), KmsSecrets(steady_on_first_use("kms")))


def link_tokens() -> KmsLinkTokens:
    return KmsLinkTokens(steady_on_first_use("kms"), setting("LINKS_KEY"))


def dynamo_gate() -> DynamoGate:
    return DynamoGate(steady("dynamodb"), setting("ACCOUNTS_TABLE"))
