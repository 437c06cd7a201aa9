"""Which numbers may be dialled and shown."""

from functools import partial

from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan
from duologue.domain.numbers.dialling_policy import ORDINARY, NumberKind, prefixes_in_use
from duologue.runtime.settings import setting
from duologue.runtime.wiring.deny_lists import deny_lists, rate_book
from duologue.usecases.numbers.check_numbers import DiallingRules
from duologue.wire.huawei.field_names import FIELDS


def dialling_rules() -> DiallingRules:
    kinds = ORDINARY | {NumberKind(kind) for kind in setting("ALSO_DIAL").split(",") if kind}
    plan = LibphonenumberPlan(partial(prefixes_in_use, setting("PREFIXES_IN_USE")))
    return DiallingRules(plan, kinds, deny_lists(), rate_book(), FIELDS)
