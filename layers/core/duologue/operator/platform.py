"""The platform that a command works on. Each adapter is created when it is first used."""

import argparse
from collections.abc import Callable
from functools import cached_property
from typing import Any

from duologue.adapters.dns_names import addresses_of
from duologue.adapters.dynamo_accounts import DynamoAccounts
from duologue.adapters.kms_secrets import KmsSecrets
from duologue.adapters.libphonenumber_plan import LibphonenumberPlan
from duologue.adapters.s3_prompts import S3Prompts
from duologue.adapters.sp_urls import ResolvedSpUrls
from duologue.adapters.stack_outputs import StackLine, outputs_of
from duologue.call_control.prompt_keys import key_of
from duologue.domain.dialling_policy import prefixes_in_use
from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.ports.accounts import AccountBook, Tokens
from duologue.usecases.ports.notifying import SpUrls
from duologue.usecases.ports.outside import Line, NumberPlan, Prompts

Said = dict[str, Any]
"""What a command prints."""


class Platform:
    """Adapters for the resources that the command line names, or else the stack's outputs."""

    def __init__(self, asked: argparse.Namespace, client: Callable[[str], Any]) -> None:
        """`client` creates the client of an AWS service by its name."""
        self._asked = asked
        self._client = client

    @property
    def accounts(self) -> AccountBook:
        return self._dynamo

    @property
    def tokens(self) -> Tokens:
        return self._dynamo

    @cached_property
    def _dynamo(self) -> DynamoAccounts:
        table = self._asked.accounts_table or self._output("AccountsTable")
        key = self._asked.key_id or self._output("SecretsKey")
        return DynamoAccounts(self._client("dynamodb"), table, KmsSecrets(self._client("kms"), key))

    @cached_property
    def prompts(self) -> Prompts:
        return S3Prompts(self._client("s3"), self._asked.prompts_bucket or self._output("PromptsBucket"), key_of)

    @cached_property
    def endpoints(self) -> SpUrls:
        return ResolvedSpUrls(
            addresses_of,
            allow_loopback=self._asked.allow_loopback,
            allow_plain_http=self._asked.allow_plain_http,
            plain_http_cure=", unless --allow-plain-http is given",
        )

    @cached_property
    def plan(self) -> NumberPlan:
        return LibphonenumberPlan(lambda: prefixes_in_use(self._outputs.get("PrefixesInUse", "")))

    @cached_property
    def line(self) -> Line:
        given = self._asked.line_numbers
        if given is not None:
            return StackLine(lambda: given, "--line-numbers")
        return StackLine(lambda: self._output("DisplayNumbers"), f"output DisplayNumbers of stack {self._asked.stack}")

    @cached_property
    def _outputs(self) -> dict[str, str]:
        return outputs_of(self._client("cloudformation"), self._asked.stack)

    def _output(self, name: str) -> str:
        """Raises OutsideUnavailable: the stack cannot be read, or has no such output."""
        if name not in self._outputs:
            raise OutsideUnavailable(f"stack {self._asked.stack} has no output {name}; is it a Duologue stack?")
        return self._outputs[name]
