"""The lab that runs in another process, found by `.lab/env`; and the samples' state in it."""

import base64
import json
import shlex
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.domain.access.tokens import Grant, hash_token
from lab.cli.env_file import ENV_FILE
from tests.by_hand.needs import Need, need_of
from tests.e2e.build.output import api_fields, event_for, sampled_app_key, sampled_secrets
from tests.e2e.build.world import CALLED, PROMPTS, renew_call, renew_memory

_STACK = "duologue"


class NotRunning(Exception):
    """There is no lab to run a sample against; the text says what to do."""


@dataclass(frozen=True)
class RunningLab:
    """A lab of `make up`, with what `tests.e2e.build` asks of one."""

    variables: Mapping[str, str]

    @property
    def aws_url(self) -> str:
        return self.variables["AWS_ENDPOINT_URL"]

    @property
    def environment(self) -> dict[str, str]:
        """Where its AWS is, and as whom to ask it."""
        return {name: value for name, value in self.variables.items() if name.startswith("AWS_")}

    def client(self, service: str) -> Any:
        account = {name: self.variables[f"AWS_{name}".upper()] for name in ("access_key_id", "secret_access_key")}
        where = {"region_name": self.variables["AWS_DEFAULT_REGION"], "endpoint_url": self.aws_url}
        make: Any = boto3.session.Session().client
        return make(service, **where, **{f"aws_{name}": value for name, value in account.items()})

    @cached_property
    def outputs(self) -> dict[str, str]:
        [stack] = self.client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    @cached_property
    def resources(self) -> dict[str, str]:
        found = self.client("cloudformation").describe_stack_resources(StackName=_STACK)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    @property
    def accounts(self) -> DynamoAccountBook:
        secrets = KmsSecrets(self.client("kms"), self.outputs["SecretsKey"])
        return DynamoAccountBook(self.client("dynamodb"), self.outputs["AccountsTable"], secrets)


def running(state_dir: Path) -> RunningLab:
    """Raises NotRunning: `make up` does not run, or not with this folder."""
    file = state_dir / ENV_FILE
    try:
        lines = [shlex.split(line) for line in file.read_text(encoding="utf-8").splitlines() if line[:7] == "export "]
    except FileNotFoundError:
        raise NotRunning(f"there is no {file}: start the lab by make up in another terminal") from None
    lab = RunningLab(dict(line[1].partition("=")[::2] for line in lines))
    try:
        urllib.request.urlopen(f"{lab.aws_url}/_lab/cloud", timeout=5).close()
    except OSError:
        raise NotRunning(f"nobody answers at {lab.aws_url}, which {file} names: start make up again") from None
    return lab


def prepared(lab: RunningLab, sample: Path, host: str | None = None) -> dict[str, Any]:
    """The event of a sample as the lab's own SP would cause it, after what it needs has been made.

    `host`: as in `event_for`.
    """
    need, key = need_of(sample), lab.variables["APP_KEY"]
    if need in (Need.PROMPTS, Need.TEST_NUMBERS):
        settings: dict[str, Any] = {"prompts": PROMPTS, "recording_notices": ("recorded.wav",), "test_numbers": CALLED}
        lab.accounts.change_app(key, lambda app: replace(app, **settings))
    if need in (Need.CALL, Need.CALL_AND_TOKEN, Need.RECORDING):
        renew_call(lab, sample, key)
    if need is Need.MEMORY:
        renew_memory(lab, key, lab.accounts.app(key).sp)
    _let_in(lab, sample)
    return _as_own(event_for(sample, lab, host, key), lab)


def _let_in(lab: RunningLab, sample: Path) -> None:
    """Let the sample's tokens be of the lab's app, and those of other samples no more. `.lab/env` keeps its own."""
    key, accounts, ends = lab.variables["APP_KEY"], lab.accounts, datetime.now(UTC) + timedelta(hours=1)
    names = ("access_token", "refresh_token")
    sampled = {hash_token(token) for name in names for token in sampled_secrets()[name]}
    own = {fields[name] for fields in api_fields(sample) for name in names if name in fields}
    register = accounts.register(key)
    kept = [grant for grant in register.grants if grant.access_hash not in sampled]
    grants = [Grant(hash_token(token), hash_token(token), ends, ends) for token in sorted(own)]
    accounts.save(key, replace(register, grants=(*kept, *grants)))


def _as_own(event: dict[str, Any], lab: RunningLab) -> dict[str, Any]:
    """The event with the lab's app, secret, user name and password in place of the samples'."""
    own = {"app_secret": "APP_SECRET", "username": "SP_USERNAME", "password": "SP_PASSWORD"}
    theirs = sampled_secrets()
    mine = {text: lab.variables[variable] for name, variable in own.items() for text in theirs[name]}
    mine[sampled_app_key()] = lab.variables["APP_KEY"]
    if "httpMethod" in event and event["body"]:
        body = base64.b64decode(event["body"]).decode()
        event["body"] = base64.b64encode(_replaced(body, mine).encode()).decode()
    said: dict[str, Any] = json.loads(_replaced(json.dumps(event), mine))
    return said


def _replaced(text: str, values: Mapping[str, str]) -> str:
    for old in sorted(values, key=len, reverse=True):
        text = text.replace(old, values[old])
    return text
