"""Record whose the display numbers of existing apps are: for apps that are older than the rule that this is one SP."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from duologue.domain.errors import NumberTaken
from duologue.usecases.ports.accounts import AccountBook, ListedApp


@dataclass(frozen=True, slots=True)
class NumberClaims:
    """`numbers`: how many display numbers now have an owner. `conflicts`: number → apps of several SPs that show it."""

    numbers: int
    conflicts: Mapping[str, tuple[ListedApp, ...]]


def claim_numbers(accounts: AccountBook) -> NumberClaims:
    """Claim each display number for the SP of the apps that show it. May be repeated; no app may change meanwhile.

    A number that apps of several SPs show is claimed for none of them: the operator decides. If it already has an
    owner, it keeps it.

    Raises:
        OutsideUnavailable: storage is unavailable; numbers may have been claimed.
    """
    shown: dict[str, list[ListedApp]] = defaultdict(list)
    for app in accounts.listed_apps(thorough=True):
        for number in app.numbers:
            shown[number].append(app)
    conflicts = {number: tuple(apps) for number, apps in shown.items() if len({app.sp for app in apps}) > 1}
    for number in shown.keys() - conflicts.keys():
        try:
            for app in shown[number]:
                accounts.claim_number(number, app.app_key, app.sp)
        except NumberTaken:
            conflicts[number] = tuple(shown[number])
    return NumberClaims(len(shown) - len(conflicts), conflicts)
