"""Request bodies: place a callback, stop one, set notification URLs, change a call memory.

The models have one line per field, in the order of the published table: of several broken rules the first in that
order is reported. Unknown fields are ignored, and fields that have no effect because of another. Null and an empty
string count as absent: clients send every field of their form.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from duologue.domain.access.accounts import App
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.errors import DisplayNumberNotOwned, InvalidField, RecordingNotEnabled
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.memory.memory_history import Pair, Repointing
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.fields import (
    AudioName,
    ClearUrl,
    Flag,
    Hours,
    LastMinuteTo,
    Media,
    Minutes,
    Number,
    SessionId,
    StopSignal,
    Url,
    UserData,
    Version,
    effective_if,
    first_fault,
)
from duologue.wire.huawei.json_body import JsonBody
from duologue.wire.huawei.session_id import call_id_of

_LISTENERS = {"toa": AudioListeners.CALLER, "tob": AudioListeners.CALLEE, "both": AudioListeners.BOTH}

Model = TypeVar("Model", bound=BaseModel)


class Click2Call(BaseModel):
    """POST /rest/httpsessions/click2Call/v2.0, as sent."""

    model_config = ConfigDict(frozen=True)

    displayNbr: Number | None = None
    callerNbr: Number
    displayCalleeNbr: Number | None = None
    calleeNbr: Number
    bindNbr: Number | None = None
    maxDuration: Minutes = 0
    lastMinVoice: Annotated[AudioName | None, effective_if("maxDuration")] = None
    lastMinToUE: Annotated[LastMinuteTo, effective_if("maxDuration", otherwise="both")] = "both"
    playPreVoice: Flag = False
    preVoice: Annotated[AudioName | None, effective_if("playPreVoice")] = None
    waitVoice: AudioName | None = None
    calleeMedia: Media = "all"  # without effect: the network offers no choice
    statusUrl: Url | None = None
    feeUrl: Url | None = None
    recordFlag: Flag = False
    recordHintTone: Annotated[AudioName | None, effective_if("recordFlag")] = None
    partyTypeRequiredInDisconnect: Flag = False
    returnIdlePort: Flag = False
    userData: UserData | None = None
    callMemory: Flag = True
    callBackTone: Annotated[AudioName | None, effective_if("callMemory")] = None
    callbackExpiredTime: Annotated[Hours | None, effective_if("callMemory")] = None


class CallStop(BaseModel):
    """POST /rest/httpsessions/callStop/v2.0, as sent."""

    model_config = ConfigDict(frozen=True)

    sessionid: SessionId
    signal: StopSignal


class NotificationUrls(BaseModel):
    """PUT /duologue/v1/notification-urls, as sent. It replaces both: null, empty or absent removes a URL."""

    model_config = ConfigDict(frozen=True)

    statusUrl: ClearUrl | None = None
    feeUrl: ClearUrl | None = None


class CallMemoryChange(BaseModel):
    """PUT /duologue/v1/call-memories, as sent."""

    model_config = ConfigDict(frozen=True)

    displayNbr: Number
    calleeNbr: Number
    callerNbr: Number
    version: Version
    expiredTime: Hours | None = None


@dataclass(frozen=True)
class SentCallback:
    """A request to place a callback, as sent."""

    body: JsonBody

    @cached_property
    def fields(self) -> Click2Call:
        """Raises InvalidField: a rule is broken that does not depend on the app."""
        return _read(self.body, Click2Call)

    @property
    def wants_idle_ports(self) -> bool:
        """Whether the response must say how many more calls the app may place."""
        return self.fields.returnIdlePort

    def request(self, app: App) -> CallbackRequest:
        """The request with the app's settings as defaults.

        The callee's display number defaults to the caller's, that to the bind number if it is a display number, else to
        the app's first. The bind number defaults to the app's first bind number, or else to its first display number.
        (On the format's page of 2017 the callee saw the caller's own number by default; see
        docs/decisions/0004.)

        Raises:
            InvalidField: a rule is broken; subclasses for those with a code of their own.
        """
        sent = self.fields
        _check_owned(app.display_numbers, displayNbr=sent.displayNbr, displayCalleeNbr=sent.displayCalleeNbr)
        _check_owned((*app.bind_numbers, *app.display_numbers), bindNbr=sent.bindNbr)
        if not app.display_numbers:
            raise InvalidField("displayNbr", "is required: the app has no number of its own")
        named = (sent.displayNbr, sent.bindNbr, PhoneNumber(app.display_numbers[0]))
        caller_sees = next(number for number in named if number and number.e164 in app.display_numbers)
        _kept(app, lastMinVoice=sent.lastMinVoice, preVoice=sent.preVoice, waitVoice=sent.waitVoice)
        if sent.recordHintTone is not None and sent.recordHintTone not in app.recording_notices:
            raise InvalidField("recordHintTone", "is not a recording notice that the operator has uploaded for the app")
        if sent.recordFlag and not app.recording:
            raise RecordingNotEnabled("recordFlag", "is true, but recording is not enabled for the app")
        _check_memory(sent, app)
        return CallbackRequest(
            caller=sent.callerNbr,
            callee=sent.calleeNbr,
            caller_sees=caller_sees,
            callee_sees=sent.displayCalleeNbr or caller_sees,
            bind_number=sent.bindNbr or PhoneNumber((*app.bind_numbers, *app.display_numbers)[0]),
            longest_talk=timedelta(minutes=sent.maxDuration) or None,
            notify=NotifyTo(sent.statusUrl, sent.feeUrl),
            user_data=sent.userData,
            wants_record=sent.recordFlag,
            wants_party_type=sent.partyTypeRequiredInDisconnect,
            wants_prompt_before_callee=sent.playPreVoice,
            audio=Audio(
                before_callee=sent.preVoice,
                while_callee_rings=sent.waitVoice,
                last_minute=sent.lastMinVoice,
                last_minute_to=_LISTENERS[sent.lastMinToUE],
                recording_notice=sent.recordHintTone,
            ),
            wants_memory=app.call_memory and sent.callMemory,
            memory_period=timedelta(hours=sent.callbackExpiredTime or app.call_memory_hours),
            call_back_tone=sent.callBackTone,
        )


def read_callback(body: str | bytes) -> SentCallback:
    """Parses nothing yet: a repeat is recognized by its key, whatever the app's settings are now."""
    return SentCallback(JsonBody(body))


def read_notification_urls(body: str | bytes) -> NotifyTo:
    """Raises InvalidField, ForbiddenAddress: a rule is broken. The hosts' addresses are checked later."""
    sent = _read(JsonBody(body), NotificationUrls)
    return NotifyTo(sent.statusUrl, sent.feeUrl)


def read_ping(body: str | bytes) -> NotifyTo:
    """The URLs to ping; without any, or without a body, the app's. Raises InvalidField, ForbiddenAddress."""
    return read_notification_urls(body) if body else NotifyTo()


def read_memory_change(body: str | bytes, app: App) -> Repointing:
    """Raises InvalidField: a rule is broken."""
    sent = _read(JsonBody(body), CallMemoryChange)
    if sent.expiredTime is not None and sent.expiredTime > app.call_memory_hours:
        raise InvalidField("expiredTime", f"must be 1 to {app.call_memory_hours} hours")
    period = None if sent.expiredTime is None else timedelta(hours=sent.expiredTime)
    return Repointing(Pair(sent.displayNbr, sent.calleeNbr), sent.callerNbr, sent.version, period)


def read_stop(body: str | bytes, host: str) -> str:
    """The id of the call to stop.

    Raises:
        InvalidField: a rule is broken.
        UnknownCall: the session id is not one of this host.
    """
    return call_id_of(_read(JsonBody(body), CallStop).sessionid, host)


def _read(body: JsonBody, model: type[Model]) -> Model:
    sent = {name: value for name, value in body.fields.items() if value not in (None, "")}
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        raise first_fault(error) from error


def _kept(app: App, **prompts: str | None) -> None:
    for field, name in prompts.items():
        if name is not None and name not in app.prompts:
            raise InvalidField(field, "is not a prompt that the operator has uploaded for the app")


def _check_memory(sent: Click2Call, app: App) -> None:
    if not app.call_memory:
        if sent.callMemory and "callMemory" in sent.model_fields_set:
            raise InvalidField("callMemory", "is true, but call memory is switched off for the app")
        return
    _kept(app, callBackTone=sent.callBackTone)
    if sent.callbackExpiredTime is not None and sent.callbackExpiredTime > app.call_memory_hours:
        raise InvalidField("callbackExpiredTime", f"must be at most {app.call_memory_hours}, the app's own")


def _check_owned(owned: Collection[str], **numbers: PhoneNumber | None) -> None:
    for field, number in numbers.items():
        if number is not None and number.e164 not in owned:
            raise DisplayNumberNotOwned(field, "is not a number of the app")
