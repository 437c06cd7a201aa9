"""What the final answer of a trunk leads to. The edge's configuration and the SIP line follow this one table.

| A trunk answers an INVITE with             | before any 18x                        | after an 18x |
| ------------------------------------------ | ------------------------------------- | ------------ |
| 408, 500, 502, 503, 504, nothing, TLS down | the next trunk                        | the end      |
| 401, 403, 407 (our credentials or address) | the next trunk, and an alarm          | the end      |
| any other 4xx, 5xx or 6xx                  | the end: no trunk is asked again      | the end      |

After an 18x a telephone has rung, so the call is never dialled again: people asked for exactly that of
https://github.com/jambonz/sbc-outbound/issues/198.
"""

from enum import StrEnum

TRY_NEXT = (408, 500, 502, 503, 504)
"""408 is also what a host that sends nothing comes to, and 503 one that cannot be reached over TLS."""
REFUSED_US = (401, 403, 407)
"""After our credentials were sent, or where there are none."""


class Then(StrEnum):
    END = "end"
    NEXT = "next"
    NEXT_AND_ALARM = "next-and-alarm"


def then(code: int, *, rang: bool) -> Then:
    """`rang`: an 18x came before. `code`: the final SIP status, 300 or more."""
    if rang:
        return Then.END
    if code in REFUSED_US:
        return Then.NEXT_AND_ALARM
    return Then.NEXT if code in TRY_NEXT else Then.END
