"""What policies on the corrected cloud know of a request: batches, TLS, encryption contexts, partition keys."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

_USERS = itertools.count(1)
PARTITIONS = ["CART#*", "VISIT#*"]


@pytest.fixture
def allowed(stack):
    """A maker of clients of a user with one statement."""

    def client(service: str, action: str | list[str], resource: str, **more):
        iam, name = stack.cloud.client("iam"), f"user-{next(_USERS)}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=policy)
        own = iam.create_access_key(UserName=name)["AccessKey"]
        keys = {"aws_access_key_id": own["AccessKeyId"], "aws_secret_access_key": own["SecretAccessKey"]}
        return stack.cloud.client(service, **keys)

    return client


def test_a_batch_is_allowed_by_the_name_of_the_single_operation(stack, allowed):
    """SQS has no IAM action of its own for a batch."""
    queue = stack.sqs.create_queue(QueueName="batched")["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sender = allowed("sqs", "sqs:SendMessage", arn["Attributes"]["QueueArn"])
    entries = [{"Id": "1", "MessageBody": "one"}, {"Id": "2", "MessageBody": "two"}]
    sent = sender.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [done["Id"] for done in sent["Successful"]] == ["1", "2"]


def test_a_bucket_that_requires_tls_takes_the_requests_of_the_cloud_s_port(stack, allowed):
    """It stands for AWS's endpoints, which have TLS."""
    s3 = stack.cloud.client("s3")
    s3.create_bucket(Bucket="tls-only")
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    allowed("s3", "s3:PutObject", "*").put_object(Bucket="tls-only", Key="x", Body=b"x")


def test_a_policy_may_require_a_key_of_the_encryption_context(stack, allowed):
    """As the roles of call memory do: without its key in the context, neither encrypting nor decrypting is allowed."""
    key = stack.cloud.client("kms").create_key()["KeyMetadata"]
    condition = {"Null": {"kms:EncryptionContext:callMemory": "false"}}
    sealer = allowed("kms", ["kms:Encrypt", "kms:Decrypt"], key["Arn"], Condition=condition)
    context = {"callMemory": "a display number"}
    sealed = sealer.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert sealer.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"] == b"x"
    for other in ({"app": "app-1"}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            sealer.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=other)


def _key(pk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": "1"}}


def _request(kind: str, pk: str) -> dict[str, Any]:
    return {"TableName": "shelves", ("Item" if kind == "Put" else "Key"): _key(pk)}


def _transaction(kind: str, pks: list[str], **more: str) -> dict[str, Any]:
    return {"TransactItems": [{kind: _request(kind, pk) | more} for pk in pks]}


_CHECK = {"ConditionExpression": "attribute_not_exists(gone)"}
_QUERY = {"TableName": "shelves", "KeyConditionExpression": "#pk = :p", "ExpressionAttributeNames": {"#pk": "pk"}}
_INDEXED = {"TableName": "shelves", "IndexName": "by-owner", "KeyConditionExpression": "owner = :p AND sk > :p"}
# operation → what is asked of it for one item and for several
ONE: dict[str, Callable[[str], dict[str, Any]]] = {
    "get_item": lambda pk: _request("Get", pk),
    "put_item": lambda pk: _request("Put", pk),
    "update_item": lambda pk: _request("Update", pk),
    "delete_item": lambda pk: _request("Delete", pk),
    "query": lambda pk: _QUERY | {"ExpressionAttributeValues": {":p": {"S": pk}}},
    "query of an index": lambda pk: _INDEXED | {"ExpressionAttributeValues": {":p": {"S": pk}}},
}
SEVERAL: dict[str, Callable[[list[str]], dict[str, Any]]] = {
    "batch_get_item": lambda pks: {"RequestItems": {"shelves": {"Keys": [_key(pk) for pk in pks]}}},
    "batch_write_item": lambda pks: {"RequestItems": {"shelves": [{"PutRequest": {"Item": _key(pk)}} for pk in pks]}},
    "transact_get_items": lambda pks: {"TransactItems": [{"Get": _request("Get", pk)} for pk in pks]},
    "transact_write_items of Put": lambda pks: _transaction("Put", pks),
    "transact_write_items of Update": lambda pks: _transaction("Update", pks, UpdateExpression="REMOVE seen"),
    "transact_write_items of Delete": lambda pks: _transaction("Delete", pks),
    "transact_write_items of ConditionCheck": lambda pks: _transaction("ConditionCheck", pks, **_CHECK),
}


@pytest.fixture(scope="module")
def shelves(stack):
    stack.dynamodb.create_table(
        TableName="shelves",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "owner")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [
                    {"AttributeName": "owner", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )


@pytest.fixture
def reader(allowed, shelves):
    condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": PARTITIONS}}
    return allowed("dynamodb", "dynamodb:*", "*", Condition=condition)


@pytest.mark.parametrize("operation", ONE)
def test_a_policy_may_name_the_partitions_whose_items_it_allows(operation, reader):
    ask = getattr(reader, operation.partition(" ")[0])
    ask(**ONE[operation]("CART#1"))
    for other in ("ORDER#1", "CART"):
        with pytest.raises(ClientError, match="AccessDenied"):
            ask(**ONE[operation](other))


@pytest.mark.parametrize("operation", SEVERAL)
def test_it_allows_a_batch_or_a_transaction_only_if_it_names_the_partition_of_each_item(operation, reader):
    ask = getattr(reader, operation.partition(" ")[0])
    ask(**SEVERAL[operation](["CART#1", "VISIT#1"]))
    for refused in (["CART#1", "ORDER#1"], ["ORDER#1", "CART#1"]):
        with pytest.raises(ClientError, match="AccessDenied"):
            ask(**SEVERAL[operation](refused))


def test_it_allows_what_names_no_item(reader):
    """`ForAllValues` is met by a request without the key: a policy that names partitions must not allow Scan."""
    reader.scan(TableName="shelves")
