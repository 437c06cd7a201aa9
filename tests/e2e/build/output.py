"""What `sam build` made, and how its functions are run outside AWS: shared by the runs here and in sam_local."""

import base64
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from duologue.adapters.kms_link_tokens import KmsLinkTokens
from duologue.usecases.publish_recording import Published
from duologue.wire.huawei.routes import CDR_LINK
from tools.template import ROOT, Function, functions, read_template

BUILT = ROOT / ".aws-sam" / "build"
LAYERS = ("CoreLayer", "DependenciesLayer")

FUNCTIONS = {function.folder: function for function in functions(read_template())}
SAMPLES = sorted((ROOT / "events").glob("*/*.json"))


# The API's samples that are refused even where all that the others need is there (world.py).
REFUSED = {"sessions/password_was_missing"}

# The functions that raise, and what: the state machine goes on by the error's name. Here it is the network's refusal.
RAISED = {"flow/call_accepted": "DialRefused", "flow/caller_answered": "NoSuchNetworkCall"}

# Those that are answered with a link.
LINKED = {"callback_api/recording_asked_for"}


def sample_id(sample: Path) -> str:
    """How a sample is called in a test's name: function/what_happened."""
    return f"{sample.parent.name}/{sample.stem}"


@cache
def lambda_python() -> Path:
    """A Python of the functions' own version; the test fails with what was looked for if there is none."""
    found = subprocess.run([ROOT / "tools/find-python", "3.13"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.fail(found.stderr)
    return Path(found.stdout.strip())


@cache
def runtime_packages() -> Path:
    """The folder with what Lambda's runtime brings by itself: boto3 and the runtime interface client."""
    folder = ROOT / ".tools" / "runtime" / "python"
    if not folder.is_dir():
        pytest.fail("make test-build installs what Lambda's runtime brings; it is not there")
    return folder


@cache
def build_output() -> Path:
    """The folder that `sam build` wrote."""
    if not (BUILT / "template.yaml").is_file():
        pytest.fail("there is no build output: make build")
    return BUILT


def environments(lab: Any, host: str | None = None) -> dict[str, dict[str, str]]:
    """Each function's environment variables by logical id, as `lab` has them deployed.

    With `host` ("address:port"), URLs of the lab's own port lead there.
    """
    awslambda = lab.client("lambda")
    found = {}
    for function in FUNCTIONS.values():
        name = lab.resources[function.logical_id]
        variables = awslambda.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        found[function.logical_id] = {key: _led_to(value, lab, host) for key, value in variables.items()}
    return found


def account_of(lab: Any) -> dict[str, str]:
    """Who is calling, and where, as environment variables: the lab's account."""
    return {
        "AWS_REGION": lab.cloud.region,
        "AWS_DEFAULT_REGION": lab.cloud.region,
        "AWS_ACCESS_KEY_ID": lab.cloud.account,  # MiniStack takes an account's number for its root key
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def event_for(sample: Path, lab: Any, host: str | None = None) -> dict[str, Any]:
    """A sample as it would be if it happened in `lab`.

    Only two kinds name what exists in one place alone. A custom resource's request says where to answer, and the
    function to provide for; the former leads to the lab's S3, as CloudFormation's leads to its own. The link in a CDR
    has a token by a key that leaves no place.
    """
    event: dict[str, Any] = json.loads(sample.read_text(encoding="utf-8"))
    if "ResponseURL" in event:
        event["ResponseURL"] = _led_to(answer_url(lab, sample), lab, host)
        if "CallControlArn" in event.get("ResourceProperties", {}):
            name = lab.resources[FUNCTIONS["call_control"].logical_id]
            arn = lab.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
            event["ResourceProperties"]["CallControlArn"] = arn
    if event.get("resource") == CDR_LINK:
        tokens = KmsLinkTokens(lab.client("kms"), lab.resources["LinksKey"])
        call_id = event["pathParameters"]["fileName"].removesuffix(".wav")
        event["pathParameters"]["token"] = tokens.token_of(sampled_app_key(), call_id)
    return event


def sampled_app_key() -> str:
    """Of the app that all samples speak of."""
    event = json.loads((ROOT / "events/sessions/sp_logged_in.json").read_text(encoding="utf-8"))
    return str(event["queryStringParameters"]["app_key"])


_ANSWERS = "custom-resource-answers"


def answer_url(lab: Any, sample: Path) -> str:
    """Where a custom resource's function may put its answer to `sample`."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket=_ANSWERS)
    url: str = s3.generate_presigned_url("put_object", {"Bucket": _ANSWERS, "Key": sample_id(sample)})
    return url


def _led_to(value: str, lab: Any, host: str | None) -> str:
    return value.replace(lab.aws_url, f"http://{host}") if host else value


def check_reply(sample: Path, reply: Any, lab: Any) -> None:
    """The reply is what the sender of such an event needs; which events a function gets, the template says."""
    function = FUNCTIONS[sample.parent.name]
    if isinstance(reply, dict) and ("errorType" in reply or sample_id(sample) in RAISED):
        assert reply.get("errorType") == RAISED.get(sample_id(sample)), json.dumps(reply, indent=1)
        return
    if "ResponseURL" in json.loads(sample.read_text(encoding="utf-8")):
        put = lab.client("s3").get_object(Bucket=_ANSWERS, Key=sample_id(sample))["Body"].read()
        assert json.loads(put)["Status"] == "SUCCESS", put
        return
    kinds = _senders(function)
    if "Api" in kinds and sample_id(sample) in LINKED:
        assert (reply["statusCode"], reply["body"]) == (301, "")
        assert reply["headers"]["Location"]
    elif "Api" in kinds and function.folder == "recordings_api":
        assert (reply["statusCode"], reply["isBase64Encoded"]) == (206 if "part" in sample_id(sample) else 200, True)
        assert base64.b64decode(reply["body"], validate=True)
    elif "Api" in kinds:
        said = json.loads(reply["body"])
        accepted = sample_id(sample) not in REFUSED
        assert ((reply["statusCode"] == 200), (said["resultcode"] == "0")) == (accepted, accepted), said
    elif _reports_failed_items(function):
        assert isinstance(reply["batchItemFailures"], list)
    elif function.folder == "flow":
        assert reply == {}
    elif function.folder == "publish_recording":
        assert reply["became"] in set(Published)
    elif function.folder == "call_control":
        assert reply["SchemaVersion"] == "1.0"
        assert isinstance(reply["Actions"], list)


def _senders(function: Function) -> set[str]:
    return {event["Type"] for event in function.properties.get("Events", {}).values()}


def _reports_failed_items(function: Function) -> bool:
    """Its answer tells which messages or records of a batch come again; otherwise all do if it raises."""
    events = function.properties.get("Events", {}).values()
    return any("ReportBatchItemFailures" in event["Properties"].get("FunctionResponseTypes", ()) for event in events)
