"""Check where an SP wants to be told, before a call with it is recorded; it is checked again at each notification."""

from duologue.domain.call import NotifyTo
from duologue.usecases.ports import SpEndpoints


def check_notify_urls(notify: NotifyTo, fields: tuple[str, str], endpoints: SpEndpoints) -> None:
    """`fields`: how the SP calls its URL for events and the one for the CDR.

    Raises:
        InvalidField: one of them is no URL.
        ForbiddenAddress: one of them leads to an address that the platform does not post to.
    """
    status, fee = notify.status_url, notify.fee_url
    if status is not None:
        endpoints.check(status, field=fields[0])
    if fee is not None and fee != status:
        endpoints.check(fee, field=fields[1])
