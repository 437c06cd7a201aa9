"""A Lambda function on the corrected cloud: its errors, its process, what it can see and do."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from lab.aws.overlay import lambda_process


def test_an_exception_is_reported_under_its_class_name_with_its_trace(stack):
    failed, told = stack.invoke({"raise": "engaged"})
    assert failed == "Unhandled"
    assert (told["errorType"], told["errorMessage"]) == ("CarrierBusyError", "engaged")
    assert "in handler" in told["stackTrace"][-1]
    assert told["requestId"]


def test_a_function_that_raised_stays_warm(stack):
    _, before = stack.invoke({})
    stack.invoke({"raise": "engaged"})
    _, after = stack.invoke({})
    assert before["pid"] == after["pid"]


def test_a_process_that_ends_is_an_exit_error_and_the_next_invocation_is_served(stack):
    failed, told = stack.invoke({"exit": 3})
    assert (failed, told["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "exit status 3" in told["errorMessage"]
    assert stack.invoke({})[0] is None


def test_each_process_has_a_log_stream_of_its_own(stack):
    """The one whose name it has."""

    def ran():
        stack.invoke({"say": "hello"})
        return stack.invoke({})[1]["log_stream"]

    first = ran()
    stack.invoke({"exit": 3})
    second = ran()
    logs, group = stack.cloud.client("logs"), f"/aws/lambda/{stack.resources['Probe']}"
    written = {
        stream: [
            event["message"].split()[0]
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        ]
        for stream in (first, second)
    }
    assert first != second
    both = ["START", "saw", "END", "REPORT", "START", "END", "REPORT"]
    assert written[first][-10:] == [*both, "START", "END", "REPORT"]
    assert written[second] == both


def test_a_time_out_ends_the_process_and_says_so(stack):
    stack.cloud.client("lambda").update_function_configuration(FunctionName=stack.resources["Probe"], Timeout=1)
    try:
        failed, told = stack.invoke({"sleep": 3})
    finally:
        stack.cloud.client("lambda").update_function_configuration(FunctionName=stack.resources["Probe"], Timeout=5)
    assert (failed, told["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert told["errorMessage"].endswith("Task timed out after 1.00 seconds")


@pytest.mark.parametrize(("start", "failed"), [(1.5, None), (4.0, "Unhandled")])
def test_a_slow_start_may_use_the_function_s_time_out_as_well(stack, monkeypatch, start, failed):
    monkeypatch.setattr(lambda_process, "_INIT_SECONDS", 0.5)
    functions, probe = stack.cloud.client("lambda"), stack.resources["Probe"]
    usual = functions.get_function_configuration(FunctionName=probe)["Environment"]["Variables"]
    slow = {**usual, "START_SECONDS": str(start)}
    functions.update_function_configuration(FunctionName=probe, Timeout=2, Environment={"Variables": slow})
    try:
        assert stack.invoke({})[0] == failed
    finally:
        functions.update_function_configuration(FunctionName=probe, Timeout=5, Environment={"Variables": usual})


def test_a_silent_invocation_waits_for_no_output(stack):
    stack.invoke({})
    took = []
    for _ in range(15):
        start = time.perf_counter()
        stack.invoke({})
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05, "MiniStack alone waits 50 ms for output that never comes"


def test_a_function_finds_its_layer_and_the_runtime_and_nothing_of_ours(stack):
    _, found = stack.invoke({"importable": ["toolbox", "boto3", "ministack", "pytest", "h11", "yaml", "lab"]})
    assert found == {
        "toolbox": True,
        "boto3": True,
        "ministack": False,
        "pytest": False,
        "h11": False,
        "yaml": False,
        "lab": False,
    }


def test_a_layer_is_loaded_from_its_bytecode(stack):
    _, told = stack.invoke({"recompiled": True})
    assert told["loaded_from_cache"], told


def test_the_environment_is_the_functions_own(stack, monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_SHELL", "1")
    stack.invoke({"exit": 1})
    _, told = stack.invoke({})
    assert told["greeting"] == "hello"
    assert {"AWS_REGION", "AWS_SESSION_TOKEN", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT"} <= set(
        told["environment"]
    )
    assert "A_SECRET_OF_THE_SHELL" not in told["environment"]
    assert 3000 < told["left"] <= 5000


def test_a_function_may_do_what_its_role_says_and_nothing_else(stack):
    assert stack.invoke({"put": "allowed"})[0] is None
    failed, told = stack.invoke({"scan": True})
    assert failed == "Unhandled"
    assert "not authorized to perform: dynamodb:Scan" in told["errorMessage"]


def test_reserved_concurrency_of_the_template_throttles(stack):
    function = stack.resources["Probe"]
    client = stack.cloud.client("lambda")
    assert client.get_function_concurrency(FunctionName=function)["ReservedConcurrentExecutions"] == 8

    def invoke(_):
        try:
            return stack.invoke({"sleep": 0.5})[0] or "served"
        except client.exceptions.ClientError as refused:
            return refused.response["Error"]["Code"]

    with ThreadPoolExecutor(12) as callers:
        outcomes = list(callers.map(invoke, range(12)))
    assert set(outcomes) == {"served", "TooManyRequestsException"}
    assert outcomes.count("served") <= 8


def test_a_burst_of_short_invocations_is_served_by_few_processes(stack):
    stack.invoke({})
    with ThreadPoolExecutor(8) as callers:
        processes = {told["pid"] for _, told in callers.map(stack.invoke, [{}] * 8)}
    assert len(processes) <= 6, "one for each caller without the pool's wait; how many fewer depends on the machine"


def test_a_batch_is_allowed_by_the_name_of_the_single_operation(stack):
    """SQS has no IAM action of its own for a batch."""
    iam, cloud = stack.cloud.client("iam"), stack.cloud
    queue = stack.sqs.create_queue(QueueName="batched")["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn["Attributes"]["QueueArn"]}
    iam.create_user(UserName="sender")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="sender", PolicyName="send", PolicyDocument=policy)
    key = iam.create_access_key(UserName="sender")["AccessKey"]
    sender = cloud.client("sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    entries = [{"Id": "1", "MessageBody": "one"}, {"Id": "2", "MessageBody": "two"}]
    sent = sender.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [done["Id"] for done in sent["Successful"]] == ["1", "2"]


def test_a_bucket_that_requires_tls_takes_the_requests_of_the_cloud_s_port(stack):
    """It stands for AWS's endpoints, which have TLS."""
    iam, s3 = stack.cloud.client("iam"), stack.cloud.client("s3")
    s3.create_bucket(Bucket="tls-only")
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    iam.create_user(UserName="writer")
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="writer", PolicyName="write", PolicyDocument=policy)
    own = iam.create_access_key(UserName="writer")["AccessKey"]
    keys = {"aws_access_key_id": own["AccessKeyId"], "aws_secret_access_key": own["SecretAccessKey"]}
    stack.cloud.client("s3", **keys).put_object(Bucket="tls-only", Key="x", Body=b"x")


def test_a_policy_may_require_a_key_of_the_encryption_context(stack):
    """As the roles of call memory do: without its key in the context, neither encrypting nor decrypting is allowed."""
    iam, cloud = stack.cloud.client("iam"), stack.cloud
    key = cloud.client("kms").create_key()["KeyMetadata"]
    allowed = {
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": key["Arn"],
        "Condition": {"Null": {"kms:EncryptionContext:callMemory": "false"}},
    }
    iam.create_user(UserName="sealer")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="sealer", PolicyName="seal", PolicyDocument=policy)
    own = iam.create_access_key(UserName="sealer")["AccessKey"]
    sealer = cloud.client("kms", aws_access_key_id=own["AccessKeyId"], aws_secret_access_key=own["SecretAccessKey"])
    context = {"callMemory": "a display number"}
    sealed = sealer.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert sealer.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"] == b"x"
    for other in ({"app": "app-1"}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            sealer.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=other)
