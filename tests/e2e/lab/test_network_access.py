"""What the network may do to the buckets and the function of the stack, and how it fails if a policy is wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.aws.service_access import ServiceCaller
from lab.lab import NETWORK

READ = {"PromptsBucket": ["s3:GetObject"]}
WRITE = {"RecordingsBucket": ["s3:PutObject", "s3:PutObjectAcl"]}
USES = [(bucket, action) for bucket, actions in {**READ, **WRITE}.items() for action in actions]


def statement(**changes):
    """One that is right for every use but for these changes."""
    right = {
        "Effect": "Allow",
        "Principal": {"Service": NETWORK},
        "Action": ["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"],
        "Resource": "arn:aws:s3:::BUCKET/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    }
    return [right | changes]


POLICIES = {
    "right": (statement(), True),
    "for the application": (statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:chime:*:*:sma/*"}}), True),
    "by TLS only": (
        [
            *statement(),
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "arn:aws:s3:::BUCKET/*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
        True,
    ),
    "none": (None, False),
    "another service": (statement(Principal={"Service": "chime.amazonaws.com"}), False),
    "the account's own users": (statement(Principal={"AWS": "arn:aws:iam::111122223333:root"}), False),
    "listing only": (statement(Action="s3:ListBucket"), False),
    "the bucket and not its objects": (statement(Resource="arn:aws:s3:::BUCKET"), False),
    "another prefix": (statement(Resource="arn:aws:s3:::BUCKET/elsewhere/*"), False),
    "another account": (statement(Condition={"StringEquals": {"aws:SourceAccount": "444455556666"}}), False),
    "another application": (
        statement(Condition={"ArnEquals": {"aws:SourceArn": "arn:aws:chime:us-east-1:111122223333:sma/other"}}),
        False,
    ),
    "denied": ([*statement(), *statement(Effect="Deny")], False),
}


@contextmanager
def policy(lab, bucket: str, statements) -> Iterator[None]:
    """Meanwhile the bucket has this policy."""
    s3, name = lab.client("s3"), lab.outputs[bucket]
    own = s3.get_bucket_policy(Bucket=name)["Policy"]
    try:
        if statements is None:
            s3.delete_bucket_policy(Bucket=name)
        else:
            text = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace("BUCKET", name)
            s3.put_bucket_policy(Bucket=name, Policy=text)
        yield
    finally:
        s3.put_bucket_policy(Bucket=name, Policy=own)


def allowed(lab, bucket: str, action: str) -> bool:
    application = lab.pstn.exchange.account.applications[lab.outputs["SipMediaApplicationId"]]
    arn = application["SipMediaApplicationArn"]
    return bool(lab.pstn.exchange.access(action, lab.outputs[bucket], "prompts/busy.wav", arn))


@pytest.mark.parametrize(("bucket", "action"), USES)
def test_the_stack_lets_the_network_in(lab, bucket, action):
    assert allowed(lab, bucket, action)


@pytest.mark.parametrize("given", POLICIES)
@pytest.mark.parametrize(("bucket", "action"), USES)
def test_a_bucket_policy_is_looked_at_as_aws_does(lab, quiet, bucket, action, given):
    statements, lets_in = POLICIES[given]
    with policy(lab, bucket, statements):
        assert allowed(lab, bucket, action) is lets_in


@pytest.mark.parametrize(("bucket", "action"), USES)
def test_the_stack_lets_the_network_do_nothing_else(lab, bucket, action):
    assert not allowed(lab, bucket, "s3:DeleteObject")
    other = ServiceCaller(NETWORK, "444455556666", lab.cloud.region, "arn:aws:chime:us-east-1:444455556666:sma/x")
    found = lab.client("s3").get_bucket_policy(Bucket=lab.outputs[bucket])["Policy"]
    assert not other.may(action, f"arn:aws:s3:::{lab.outputs[bucket]}/prompts/busy.wav", found)
