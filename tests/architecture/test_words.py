"""Foreign words live in one place each: the SP-facing format's in wire/huawei, the telephone network's in wire/chime.

Elsewhere in the product the glossary's own word is used, so that either format can change without the rest noticing.
"""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import modules, text_of, tracked

# Only words that are unmistakably the format's: access_token and app_key are everybody's.
_HUAWEI = """
    displayNbr displayCalleeNbr callerNbr calleeNbr bindNbr bindNum displayCallerNum fwdDisplayNum fwdDstNum
    statusUrl feeUrl maxDuration userData lastMinVoice lastMinToUE preVoice waitVoice playPreVoice calleeMedia
    partyTypeRequiredInDisconnect returnIdlePort recordHintTone recordFlag recordObjectName recordBucketName
    recordDomain recordStartTime recordFileDownloadUrl resultcode resultdesc
    sessionId stateCode stateDesc ulFailReason sipStatusCode failTime callEndTime
    fwdStartTime fwdAlertingTime fwdAnswerTime fwdUnaswRsn callOutStartTime callOutAlertingTime callOutAnswerTime
    callOutUnaswRsn eventType statusInfo feeLst hostName spId appKey icid AKSK X-AKSK WSSE X-WSSE PasswordDigest
    click2Call callStop fastlogin callout
""".split()

_CHIME = """
    LEG-A LEG-B ParticipantTag ParticipantTags Participants CallDetails ActionData InvocationEventType SchemaVersion
    NEW_INBOUND_CALL NEW_OUTBOUND_CALL RINGING CALL_ANSWERED ACTION_SUCCESSFUL ACTION_FAILED ACTION_INTERRUPTED HANGUP
    CALL_UPDATE_REQUESTED DIGITS_RECEIVED INVALID_LAMBDA_RESPONSE TransactionAttributes CallAndBridge PlayAudio
    PlayAudioAndGetDigits StartCallRecording StopCallRecording CallTimeoutSeconds CallNotAnswered SipResponseCode
    RingbackTone RepeatDurationInMilliseconds DurationInMilliseconds
""".split()

_PRODUCT = modules("layers/core/duologue", "functions")
_CARRIER_S = re.compile(
    r"layers/core/duologue/(wire/chime/|adapters/carriers/(chime_\w+|sip_network)\.py|runtime/carriers/(chime|sip)\.py)"
    r"|functions/provision_pstn/"
)
_SHIPPED = ("functions/", "layers/", "statemachines/")


def _strangers(path: Path, words: list[str]) -> list[str]:
    text = text_of(path) or ""
    return [word for word in words if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]


@pytest.mark.parametrize(("home", "words"), [("huawei", _HUAWEI), ("chime", _CHIME)])
def test_a_format_is_spoken_in_one_place(home: str, words: list[str]):
    elsewhere = [path for path in _PRODUCT if home not in path.parts]
    assert {str(path): found for path in elsewhere if (found := _strangers(path, words))} == {}


def test_the_carrier_is_named_in_its_own_modules_alone():
    """In every file that is deployed, comments included: these modules are what another carrier needs as well.

    Those of the nodes may name it, because nodes speak its wire.
    """
    shipped = [path for path in tracked() if str(path).startswith(_SHIPPED)]
    naming = {str(path) for path in shipped if re.search("chime", text_of(path) or "", re.IGNORECASE)}
    assert {path for path in naming if not _CARRIER_S.match(path)} == set()
    assert len(naming) > 5, "they are looked for as they are written"


def test_the_words_are_found_where_they_live():
    """The two lists are spelled as the formats spell them: most are used by their own codec."""
    for folder, words in (("huawei", _HUAWEI), ("chime", _CHIME)):
        codec = "\n".join(text_of(path) or "" for path in _PRODUCT if folder in path.parts)
        used = [word for word in words if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", codec)]
        assert len(used) > len(words) / 2
