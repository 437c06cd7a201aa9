"""The final SIP statuses of a leg in words: the phrase of the standard, and what it means."""

_STATUSES = {
    400: ("Bad Request", "the trunk did not understand the call"),
    401: ("Unauthorized", "the trunk refused our credentials"),
    403: ("Forbidden", "the trunk does not allow this call, perhaps not with this display number"),
    404: ("Not Found", "there is no such number, or the trunk wants it written in another form"),
    407: ("Proxy Authentication Required", "the trunk refused our credentials"),
    408: ("Request Timeout", "nobody answered: neither the telephone, nor perhaps the trunk's host"),
    410: ("Gone", "the number is no longer in use"),
    415: ("Unsupported Media Type", "the trunk does not take our description of the sound"),
    420: ("Bad Extension", "the trunk demands an extension of SIP that is not spoken here"),
    480: ("Temporarily Unavailable", "nobody answered, or the telephone is switched off"),
    481: ("Call/Transaction Does Not Exist", "the trunk no longer knew the call"),
    483: ("Too Many Hops", "the call went in a circle between servers"),
    484: ("Address Incomplete", "the number is too short, or the trunk wants it written in another form"),
    486: ("Busy Here", "the telephone is busy"),
    487: ("Request Terminated", "the call was given up before it was answered"),
    488: ("Not Acceptable Here", "the two sides have no codec, or no encryption of the sound, in common"),
    500: ("Server Internal Error", "a server of the trunk, or a node of ours, failed"),
    501: ("Not Implemented", "the trunk cannot do what was asked"),
    502: ("Bad Gateway", "the network behind the trunk failed"),
    503: ("Service Unavailable", "the trunk could not be reached, is out of order, or has no free line"),
    504: ("Server Time-out", "the network behind the trunk did not answer the trunk"),
    600: ("Busy Everywhere", "all telephones of the number are busy"),
    603: ("Decline", "the person, or the telephone, declined the call"),
    604: ("Does Not Exist Anywhere", "there is no such number"),
    606: ("Not Acceptable", "the two sides have no codec, or no encryption of the sound, in common"),
    607: ("Unwanted", "the person does not want calls from this number"),
    608: ("Rejected", "a filter for unwanted calls rejected it"),
}


def sip_words(status: int) -> str:
    """Such as `486 Busy Here: the telephone is busy`; for a status that is not known here, the status alone."""
    phrase, means = _STATUSES.get(status, ("", ""))
    return f"{status} {phrase}: {means}" if phrase else str(status)
