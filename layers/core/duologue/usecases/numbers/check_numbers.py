"""Check the two numbers of a request before anything is recorded."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from duologue.domain.access.accounts import App
from duologue.domain.calls.callback_request import CallbackRequest, FieldNames
from duologue.domain.errors import CallerRefused, NumberRefused
from duologue.domain.numbers.dialling_policy import DiallingPolicy, NumberKind, check_apart
from duologue.usecases.ports.denying import DenyLists, RateBook
from duologue.usecases.ports.outside import NumberPlan


@dataclass(frozen=True, slots=True)
class DiallingRules:
    """What may be dialled, and the field names for refusals."""

    plan: NumberPlan
    kinds: Collection[NumberKind]
    """Number types that the operator allows."""
    lists: DenyLists
    rates: RateBook
    fields: FieldNames


def check_numbers(
    request: CallbackRequest, app: App, rules: DiallingRules, *, is_test: bool
) -> tuple[str | None, str | None]:
    """Check them and return the regions of the caller's and the callee's, as of PlannedNumber.

    The deny lists are read only for numbers that the plan and the app's settings allow.

    Raises:
        CallerRefused: the caller's number; the text has the reason.
        NumberRefused: the callee's number.
        OutsideUnavailable: the deny lists cannot be read.
    """
    policy = DiallingPolicy(app.countries, rules.kinds, app.test_numbers if is_test else None)
    caller, callee = rules.plan.describe(request.caller), rules.plan.describe(request.callee)
    with refusing_the_caller():
        policy.check(request.caller, caller, field=rules.fields.caller)
    policy.check(request.callee, callee, field=rules.fields.callee)
    check_apart(request.caller, request.callee, field=rules.fields.callee)
    denials = rules.lists.of((request.caller, request.callee))
    with refusing_the_caller():
        denials.check(request.caller, app.denied_prefixes, field=rules.fields.caller)
    denials.check(request.callee, app.denied_prefixes, field=rules.fields.callee)
    return caller.region, callee.region


@contextmanager
def refusing_the_caller() -> Iterator[None]:
    """Turn a refusal into that of the caller's number, for which the format has its own code."""
    try:
        yield
    except NumberRefused as refusal:
        raise CallerRefused(refusal.field, refusal.text) from refusal
