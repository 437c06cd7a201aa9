"""Faults in the headers of a digest, with the format's result codes.

All are answered with 400. The last two are used for both headers: the format has them only for the newer one.
"""

from enum import Enum

from duologue.domain.errors import RequestRefused


class Fault(Enum):
    """Result code and text."""

    NO_AUTHORIZATION = "1023006", "The Authorization header is missing."
    NO_REALM = "1023007", "The Authorization header has no realm."
    NO_PROFILE = "1023008", "The Authorization header has no profile."
    WRONG_REALM = "1023009", "The realm of the Authorization header is not SDP."
    WRONG_PROFILE = "1023010", "The profile of the Authorization header is not UsernameToken."
    WRONG_TYPE = "1023011", "The type of the Authorization header is not Appkey."
    NO_TYPE = "1023012", "The Authorization header has no type."
    NO_SCHEME = "1023013", "The Authorization header begins with neither AKSK nor WSSE."
    WSSE_MISSING = "1023026", "The X-WSSE header is missing."
    WSSE_NO_USERNAME = "1023027", "The X-WSSE header has no Username."
    WSSE_NO_NONCE = "1023028", "The X-WSSE header has no Nonce."
    WSSE_NO_CREATED = "1023029", "The X-WSSE header has no Created."
    AKSK_MISSING = "1023033", "The X-AKSK header is missing."
    AKSK_NO_USERNAME = "1023034", "The X-AKSK header has no Username."
    AKSK_NO_NONCE = "1023035", "The X-AKSK header has no Nonce."
    AKSK_NO_CREATED = "1023036", "The X-AKSK header has no Created."
    NO_DIGEST = "1023037", "The X-AKSK or X-WSSE header has no PasswordDigest."
    NO_USERNAME_TOKEN = "1023038", "The X-AKSK or X-WSSE header does not begin with UsernameToken."

    @property
    def code(self) -> str:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


class HeaderFault(RequestRefused):
    """The headers of a digest are malformed."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.fault = fault
