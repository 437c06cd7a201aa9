"""Settings that common kinds of trunk need. None of them was tried with a provider.

A trunk that names a profile gets these values for the rows that it does not write itself.
"""

from typing import Any

PROFILES: dict[str, dict[str, Any]] = {
    # A telephone company that knows its customers by their addresses, and wants E.164 with the plus sign.
    "address": {"identity": {"pai": True}},
    # One that gives a user name and a password, over UDP, and calls back to where that user is registered.
    "registered": {"registration": {}, "identity": {"pai": True}},
    # The same over TLS with SRTP.
    "secure": {"transport": "tls", "srtp": "mandatory", "identity": {"pai": True}},
    # Amazon Chime SDK Voice Connector with encryption: TLS and SRTP; it knows us by address, and by credentials if set.
    # https://docs.aws.amazon.com/chime-sdk/latest/ag/voice-connector-settings.html
    "voice-connector": {"transport": "tls", "srtp": "mandatory", "codecs": ["pcmu"]},
    # A PBX of one's own on the same network.
    "pbx": {"identity": {"rpid": True}, "codecs": ["pcma", "pcmu"]},
}
