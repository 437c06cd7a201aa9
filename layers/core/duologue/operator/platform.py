"""The platform that a command works on. Each adapter is created when it is first used."""

import argparse
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cached_property
from typing import Any

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.dynamo_audit import DynamoAudit
from duologue.adapters.access.dynamo_auth_attempts import DynamoAuthAttempts
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.accounting.dynamo_call_lists import DynamoCallLists, DynamoUsages
from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.accounting.dynamo_open_calls import DynamoOpenCalls
from duologue.adapters.accounting.s3_cdr_archive import S3CdrArchive
from duologue.adapters.basics.aws import refusals
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.basics.threads import at_once
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.calls.dynamo_histories import DynamoHistories
from duologue.adapters.calls.dynamo_people import DynamoPeople
from duologue.adapters.calls.dynamo_slots import slots_in_use
from duologue.adapters.calls.step_functions_flows import StepFunctionsFlows
from duologue.adapters.media.s3_prompts import S3Prompts
from duologue.adapters.media.s3_recordings import S3Recordings
from duologue.adapters.memory.dynamo_inbound_calls import DynamoInboundCalls
from duologue.adapters.memory.dynamo_memories import DynamoMemories
from duologue.adapters.memory.kms_memory_seal import KmsMemorySeal
from duologue.adapters.notifying.dns_names import addresses_of
from duologue.adapters.notifying.dynamo_app_events import DynamoAppEvents
from duologue.adapters.notifying.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.notifying.sp_urls import ResolvedSpUrls
from duologue.adapters.numbers.dynamo_deny_lists import DynamoDenyLists
from duologue.adapters.numbers.dynamo_rates import DynamoRates
from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.adapters.operating.cloudwatch_logs import CloudWatchCallLogs
from duologue.adapters.operating.stack_outputs import Stack, StackLine, stack_of
from duologue.adapters.operating.step_functions_histories import StepFunctionsHistories
from duologue.adapters.rows.sealed_rows import SealedRows
from duologue.call_control.prompt_keys import key_of
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.numbers.dialling_policy import prefixes_in_use
from duologue.usecases.accounting.export_cdrs import ExportCdrs
from duologue.usecases.memory.find_memory import FindMemory
from duologue.usecases.memory.forget_number import ForgetNumber
from duologue.usecases.operating.end_calls import EndCalls, EndedByOperator
from duologue.usecases.operating.erase_archived import Cleared, EraseArchived
from duologue.usecases.operating.erase_person import ErasePerson
from duologue.usecases.operating.show_call import ShowCall
from duologue.usecases.ports.accounts import AccountBook, AuthLocks, Tokens
from duologue.usecases.ports.audit import AuditLog, AuditReader
from duologue.usecases.ports.call_lists import CallLists, Usages
from duologue.usecases.ports.calls import Histories
from duologue.usecases.ports.denying import DenyBook, RateBook
from duologue.usecases.ports.logs import CallLogs
from duologue.usecases.ports.memories import InboundCalls, Memories, MemorySeal
from duologue.usecases.ports.notifying import AppEvents, NotificationLog, SpUrls
from duologue.usecases.ports.outside import Line, NumberPlan, Prompts
from duologue.usecases.ports.recordings import Recordings
from duologue.usecases.ports.traces import CallTraces, FlowHistories
from duologue.wire.huawei.cdrs import HuaweiCdrs

Said = dict[str, Any]
"""What a command prints."""


class Platform:
    """Adapters for the resources that the command line names, or else the stack's outputs."""

    def __init__(self, asked: argparse.Namespace, client: Callable[[str], Any], sleep: Callable[[float], None]) -> None:
        """`client` creates the client of an AWS service by its name. `sleep`: waits for seconds."""
        self._asked = asked
        self._client = client
        self.sleep = sleep

    @property
    def accounts(self) -> AccountBook:
        return self._dynamo

    @property
    def tokens(self) -> Tokens:
        return self._dynamo

    @cached_property
    def auth_locks(self) -> AuthLocks:
        return DynamoAuthAttempts(self._client("dynamodb"), self._table)

    @cached_property
    def memories(self) -> Memories:
        return DynamoMemories(self._client("dynamodb"), self._table, self._keep_calls)

    @cached_property
    def memory_seal(self) -> MemorySeal:
        """Opens memories; it makes none."""
        return KmsMemorySeal(self._seal, self._client("kms"))

    @cached_property
    def _seal(self) -> Seal:
        keys = KmsDataKeys(self._client("kms"), self._asked.memories_key or self._output("MemoriesKey"))
        return Seal(keys, int(self._parameter("DataKeyNumber") or 1))

    @property
    def _rows(self) -> SealedRows:
        return SealedRows(self._seal)

    @cached_property
    def inbound_calls(self) -> InboundCalls:
        return DynamoInboundCalls(self._client("dynamodb"), self._table, self._output("CallsTable"), self._calls)

    @cached_property
    def end_calls(self) -> EndCalls:
        open_calls = DynamoOpenCalls(self._client("dynamodb"), self._output("CallsTable"), self._table)
        flows = StepFunctionsFlows(self._client("stepfunctions"), "")  # starts none
        return EndCalls(self._calls, open_calls, flows, SystemClock(), pause)

    def end_calls_of(self, app_keys: set[str]) -> list[EndedByOperator]:
        """Of suspended apps. Raises OutsideUnavailable."""

        def wait(time: timedelta) -> None:
            text = "until requests of before the suspension are over"
            print(f"duologue: waiting {time.seconds} s {text}", file=sys.stderr, flush=True)
            self.sleep(time.total_seconds())

        return self.end_calls.of_apps(app_keys, wait)

    def calls_in_progress(self, app_key: str) -> int:
        """How many slots the app's calls hold now."""
        return slots_in_use(self._client("dynamodb"), self._table, app_key)

    @cached_property
    def audit(self) -> AuditLog:
        return DynamoAudit(self._client("dynamodb"), self._table, self._keep_audit)

    @cached_property
    def audit_reader(self) -> AuditReader:
        return DynamoAudit(self._client("dynamodb"), self._table)

    @property
    def identity(self) -> str:
        """Of who gives the commands: an ARN."""
        return str(self._client("sts").get_caller_identity()["Arn"])

    @property
    def _keep_audit(self) -> timedelta:
        try:
            days = self._parameter("KeepAuditDays")
        except OutsideUnavailable:  # the tables were named on the command line, and there may be no stack
            days = ""
        return timedelta(days=int(days or 400))

    @cached_property
    def call_lists(self) -> CallLists:
        dynamodb, calls = self._client("dynamodb"), self._output("CallsTable")
        return DynamoCallLists(dynamodb, calls, self._output("ListsTable"), self._rows)

    @cached_property
    def usages(self) -> Usages:
        return DynamoUsages(self._client("dynamodb"), self._output("ListsTable"))

    @cached_property
    def call_logs(self) -> CallLogs:
        return CloudWatchCallLogs(self._client("logs"), f"/duologue/{self._asked.stack}/")

    @cached_property
    def _cdr_archive(self) -> S3CdrArchive:
        return S3CdrArchive(self._client("s3"), self._output("RecordingsBucket"), self._seal)

    @cached_property
    def export_cdrs(self) -> ExportCdrs:
        return ExportCdrs(self._cdr_archive, HuaweiCdrs(self.host), at_once)

    def _erase_archived(self, tell: Callable[[Cleared], None]) -> EraseArchived:
        keep = timedelta(days=int(self._parameter("KeepCdrsDays") or 730))
        archive = self._cdr_archive
        return EraseArchived(archive, archive, HuaweiCdrs(self.host), SystemClock(), keep, at_once, tell)

    def erase_person(self, tell: Callable[[Cleared], None] = lambda _: None) -> ErasePerson:
        """`tell`: is called as the archive is read."""
        dynamodb, calls = self._client("dynamodb"), self._output("CallsTable")
        return ErasePerson(
            DynamoPeople(dynamodb, calls, self._rows),
            self._calls,
            StepFunctionsFlows(self._client("stepfunctions"), ""),  # starts none
            S3Recordings(self._client("s3"), self._output("RecordingsBucket")),
            ForgetNumber(self.memories, self.memory_seal, SystemClock()),
            DynamoListing(dynamodb, calls, self._output("ListsTable")),
            self._erase_archived(tell),
        )

    @cached_property
    def histories(self) -> Histories:
        return DynamoHistories(self._client("dynamodb"), self._output("CallsTable"), self._rows)

    @cached_property
    def traces(self) -> CallTraces:
        return DynamoHistories(self._client("dynamodb"), self._output("CallsTable"), self._rows)

    @cached_property
    def flow_histories(self) -> FlowHistories:
        return StepFunctionsHistories(self._client("stepfunctions"), self._output("CallbackFlow"))

    @cached_property
    def recordings(self) -> Recordings:
        return S3Recordings(self._client("s3"), self._output("RecordingsBucket"))

    @property
    def find_memory(self) -> FindMemory:
        return FindMemory(self.inbound_calls, self.memories, self.memory_seal, SystemClock(), "display number")

    @cached_property
    def show_call(self) -> ShowCall:
        return ShowCall(self.traces, self.flow_histories, self.recordings, self.find_memory, refusals)

    @cached_property
    def app_events(self) -> AppEvents:
        return DynamoAppEvents(self._client("dynamodb"), self._output("CallsTable"), self._rows)

    @cached_property
    def notification_log(self) -> NotificationLog:
        calls = self._output("CallsTable")
        return DynamoNotificationLog(
            self._client("dynamodb"), calls, self._table, self._dynamo, self._keep_calls, self._rows
        )

    @property
    def stack(self) -> str:
        """Its name."""
        return str(self._asked.stack)

    @property
    def host(self) -> str:
        """The part of a session id after `@`."""
        return self._parameter("HostName")

    @cached_property
    def _calls(self) -> DynamoCalls:
        return DynamoCalls(
            self._client("dynamodb"), self._output("CallsTable"), self._table, self._keep_calls, self._rows
        )

    @property
    def _keep_calls(self) -> timedelta:
        return timedelta(days=int(self._parameter("KeepCallsDays") or 90))

    @property
    def _table(self) -> str:
        return str(self._asked.accounts_table or self._output("AccountsTable"))

    @cached_property
    def _dynamo(self) -> DynamoAccountBook:
        table = self._table
        key = self._asked.key_id or self._output("SecretsKey")
        return DynamoAccountBook(self._client("dynamodb"), table, KmsSecrets(self._client("kms"), key))

    @cached_property
    def deny_book(self) -> DenyBook:
        return DynamoDenyLists(self._client("dynamodb"), self._table, self.memory_seal)

    @cached_property
    def rates(self) -> RateBook:
        return DynamoRates(self._client("dynamodb"), self._table)

    @cached_property
    def prompts(self) -> Prompts:
        return S3Prompts(self._client("s3"), self._asked.prompts_bucket or self._output("PromptsBucket"), key_of)

    @cached_property
    def endpoints(self) -> SpUrls:
        return _StackUrls(self._url_rules)

    def _url_rules(self) -> ResolvedSpUrls:
        """As the stack's functions judge them."""
        return ResolvedSpUrls(
            addresses_of,
            allow_loopback=self._parameter("AllowLoopback") == "true",
            allow_plain_http=self._parameter("AllowPlainHttp") == "true",
            loopback_cure=", unless the stack's parameter AllowLoopback is true",
            plain_http_cure=", unless the stack's parameter AllowPlainHttp is true",
        )

    @cached_property
    def plan(self) -> NumberPlan:
        return LibphonenumberPlan(lambda: prefixes_in_use(self._parameter("PrefixesInUse")))

    @cached_property
    def line(self) -> Line:
        given = self._asked.line_numbers
        if given is not None:
            return StackLine(lambda: given, "--line-numbers")
        return StackLine(lambda: self._output("DisplayNumbers"), f"output DisplayNumbers of stack {self._asked.stack}")

    @property
    def keep_recordings_days(self) -> int:
        """0: the stack does not say. Raises OutsideUnavailable: the stack cannot be read."""
        return int(self._parameter("KeepRecordingsDays") or 0)

    @cached_property
    def _stack(self) -> Stack:
        return stack_of(self._client("cloudformation"), self._asked.stack)

    def _parameter(self, name: str) -> str:
        """Empty: the stack has no such parameter. Raises OutsideUnavailable: the stack cannot be read."""
        return self._stack.parameters.get(name, "")

    def _output(self, name: str) -> str:
        """Raises OutsideUnavailable: the stack cannot be read, or has no such output."""
        if name not in self._stack.outputs:
            raise OutsideUnavailable(
                f"stack {self._asked.stack} has no output {name}: name the stack of Duologue by --stack"
            )
        return self._stack.outputs[name]


class _StackUrls:
    """Reads the stack only if there is a URL to check."""

    def __init__(self, rules: Callable[[], SpUrls]) -> None:
        self._rules = rules

    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        given = list(urls)
        if given:
            self._rules().check(given)
