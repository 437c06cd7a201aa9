"""What `sam build` made, and how its functions are run outside AWS: shared by the runs here and in sam_local."""

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

import pytest

from duologue.adapters.media.kms_link_tokens import KmsLinkTokens
from duologue.usecases.media.publish_recording import Published
from duologue.wire.huawei.routes import CDR_LINK
from tests.by_hand.needs import SAMPLES, name_of
from tools.template import ROOT, Function, functions, read_template

BUILT = ROOT / ".aws-sam" / "build"
LAYERS = ("CoreLayer", "DependenciesLayer")

FUNCTIONS = {function.folder: function for function in functions(read_template())}

# The API's samples that are refused even where all that the others need is there (world.py).
REFUSED = {"sessions/password_was_missing"}

# The functions that raise, and what: the state machine goes on by the error's name. Here it is the network's refusal.
RAISED = {"flow/call_accepted": "DialRefused", "flow/caller_answered": "NoSuchNetworkCall"}

# Those that are answered with a link.
LINKED = {"callback_api/recording_asked_for"}


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


class Deployed(Protocol):
    """A lab, of this process or of another, as far as samples need it."""

    @property
    def aws_url(self) -> str: ...

    @property
    def outputs(self) -> Mapping[str, str]: ...

    @property
    def resources(self) -> Mapping[str, str]: ...

    @property
    def environment(self) -> dict[str, str]: ...

    def client(self, service: str) -> Any: ...


def environments(lab: Deployed, host: str | None = None) -> dict[str, dict[str, str]]:
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


def account_of(lab: Deployed) -> dict[str, str]:
    """Who is calling, and where, as environment variables: the lab's account."""
    account = {name: value for name, value in lab.environment.items() if name != "AWS_ENDPOINT_URL"}
    return {"AWS_REGION": account["AWS_DEFAULT_REGION"], **account}


def event_for(sample: Path, lab: Deployed, host: str | None = None, app_key: str = "") -> dict[str, Any]:
    """A sample as it would be if it happened in `lab`.

    Only two kinds name what exists in one place alone. A custom resource's request says where to answer, and the
    function to provide for; the former leads to the lab's S3, as CloudFormation's leads to its own. The link in a CDR
    has a token by a key that leaves no place. `app_key`: whose recording it is, if not of the samples' app.
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
        event["pathParameters"]["token"] = tokens.token_of(app_key or sampled_app_key(), call_id)
    return event


def sampled_app_key() -> str:
    """Of the app that all samples speak of."""
    event = json.loads((ROOT / "events/sessions/sp_logged_in.json").read_text(encoding="utf-8"))
    return str(event["queryStringParameters"]["app_key"])


def api_fields(sample: Path) -> Iterator[dict[str, str]]:
    """What one API sample says in its query and its form, and its password under that name."""
    event: dict[str, Any] = json.loads(sample.read_text(encoding="utf-8"))
    if "httpMethod" in event:
        query = event["queryStringParameters"] or {}
        headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
        password = {"password": headers["authorization"]} if {"username", "authorization"} <= {*query, *headers} else {}
        body = base64.b64decode(event["body"] or "").decode()
        yield {**dict(parse_qsl(body)), **query, **password}


def sampled_secrets() -> dict[str, set[str]]:
    """What proves a request in the samples, by the name of its parameter; of `password`, the header."""
    names = ("app_secret", "username", "password", "access_token", "refresh_token")
    said = [fields for sample in SAMPLES for fields in api_fields(sample)]
    return {name: {fields[name] for fields in said if fields.get(name)} for name in names}


_ANSWERS = "custom-resource-answers"


def answer_url(lab: Deployed, sample: Path) -> str:
    """Where a custom resource's function may put its answer to `sample`."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket=_ANSWERS)
    url: str = s3.generate_presigned_url("put_object", {"Bucket": _ANSWERS, "Key": name_of(sample)})
    return url


def _led_to(value: str, lab: Deployed, host: str | None) -> str:
    return value.replace(lab.aws_url, f"http://{host}") if host else value


def check_reply(sample: Path, reply: Any, lab: Deployed) -> None:
    """The reply is what the sender of such an event needs; which events a function gets, the template says."""
    function = FUNCTIONS[sample.parent.name]
    if isinstance(reply, dict) and ("errorType" in reply or name_of(sample) in RAISED):
        assert reply.get("errorType") == RAISED.get(name_of(sample)), json.dumps(reply, indent=1)
        return
    if "ResponseURL" in json.loads(sample.read_text(encoding="utf-8")):
        put = lab.client("s3").get_object(Bucket=_ANSWERS, Key=name_of(sample))["Body"].read()
        assert json.loads(put)["Status"] == "SUCCESS", put
        return
    kinds = _senders(function)
    if "Api" in kinds and name_of(sample) in LINKED:
        assert (reply["statusCode"], reply["body"]) == (301, "")
        assert reply["headers"]["Location"]
    elif "Api" in kinds and function.folder == "recordings_api":
        assert (reply["statusCode"], reply["isBase64Encoded"]) == (206 if "part" in name_of(sample) else 200, True)
        assert base64.b64decode(reply["body"], validate=True)
    elif "Api" in kinds:
        said = json.loads(reply["body"])
        accepted = name_of(sample) not in REFUSED
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
