"""Check the two numbers of a request before anything is recorded."""

from collections.abc import Collection

from duologue.domain.accounts import App
from duologue.domain.callback_request import CallbackRequest
from duologue.domain.dialling_policy import DiallingPolicy, NumberKind, check_apart
from duologue.domain.errors import CallerRefused, NumberRefused
from duologue.usecases.ports.outside import NumberPlan


def check_numbers(
    request: CallbackRequest,
    app: App,
    *,
    fields: tuple[str, str],
    plan: NumberPlan,
    kinds: Collection[NumberKind],
    is_test: bool,
) -> tuple[str | None, str | None]:
    """Check them and return the regions of the caller's and the callee's, as of PlannedNumber.

    `fields`: the format's names of the two numbers. `kinds`: number types that the operator allows.

    Raises:
        CallerRefused: the caller's number; the text has the reason.
        NumberRefused: the callee's number.
    """
    caller_field, callee_field = fields
    policy = DiallingPolicy(app.countries, kinds, app.test_numbers if is_test else None)
    caller, callee = plan.describe(request.caller), plan.describe(request.callee)
    try:
        policy.check(request.caller, caller, field=caller_field)
    except NumberRefused as refusal:
        raise CallerRefused(refusal.field, refusal.text) from refusal
    policy.check(request.callee, callee, field=callee_field)
    check_apart(request.caller, request.callee, field=callee_field)
    return caller.region, callee.region
