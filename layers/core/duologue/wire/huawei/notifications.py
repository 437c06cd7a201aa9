"""Notifications: status events to one URL, the CDR to another, each a signed POST request with JSON.

Invariant: what did not happen is omitted, never null. Every event has the session and the number dialled, since
receivers read both without checking that they exist. Times are UTC, to the second, with a single space.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from duologue.call_control.facts import (
    CallEnded,
    CdrWritten,
    Fact,
    InboundCallRecorded,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.call_control.history import url_of
from duologue.domain.access.accounts import App
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call, NotifyTo, Origin
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import LegStillUp
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from duologue.wire.huawei.digests import AUTHORIZATION, push_digest, username_token
from duologue.wire.huawei.outcomes import codes_of
from duologue.wire.huawei.records import BUCKET, PLATFORM_NOTICE, Records, record_name
from duologue.wire.huawei.session_id import session_id
from duologue.wire.huawei.standard_webhooks import standard_headers

_LEG_EVENTS: dict[type[Fact], str] = {
    LegDialledRecorded: "callout",
    LegRingingRecorded: "alerting",
    LegAnsweredRecorded: "answer",
}
EVENT_TYPES: dict[type[Fact], str] = {
    InboundCallRecorded: "callin",
    **_LEG_EVENTS,
    CallEnded: "disconnect",
    CdrWritten: "fee",
}
PING = "ping"
"""A test notification that the SP asked for: our addition to the format."""
_PARTY_TYPES = {Party.CALLER: "caller", Party.CALLEE: "called", None: "platform"}
"""Who hung up. The format documents the field but not its values: these are ours."""

_OUTGOING, _RETURNED = 0, 1
_VOICE_CALLBACK = "002"


class HuaweiWebhooks:
    """Implements `usecases.ports.notifying.WebhookFormat`."""

    def __init__(self, host: str, new_nonce: Callable[[], str], records: Records) -> None:
        """`host`: the part of a session id after `@`. `new_nonce`: returns 1 to 128 letters and digits, never twice."""
        self._records = records
        self._host = host
        self._new_nonce = new_nonce

    def request(
        self, call: Call, sequence: int, fact: Fact, cdr: Cdr | None, app: App, at: datetime
    ) -> WebhookRequest | None:
        """The notification of one fact, number `sequence` of its call, signed at `at`.

        None: it has none, or the SP has no URL for it.

        Raises OutsideUnavailable: the link to a recording cannot be created now. LegStillUp: the end has no CDR.
        """
        url = url_of(call, fact)
        if url is None:
            return None
        body = event_of(call, fact, cdr, self._host, self._records)
        if body is None:
            return None
        return self._signed(url, body, call.id, sequence, app, at, of_cdr=isinstance(fact, CdrWritten))

    def pings(self, ping_id: str, urls: NotifyTo, app: App, at: datetime) -> Sequence[WebhookRequest]:
        """With every field that receivers read of an event or a CDR without checking that it exists."""
        number = next(iter(app.display_numbers), "anonymous")
        status = {
            "timestamp": _time(at),
            "sessionId": session_id(ping_id, self._host),
            "caller": number,
            "called": number,
        }
        bodies: tuple[tuple[str | None, dict[str, Any], bool], ...] = (
            (urls.status_url, {"statusInfo": status}, False),
            (urls.fee_url, {"feeLst": []}, True),
        )
        return [
            self._signed(url, {"eventType": PING} | body, ping_id, 0, app, at, of_cdr=of_cdr)
            for url, body, of_cdr in bodies
            if url is not None
        ]

    def _signed(
        self, url: str, body: Mapping[str, Any], call_id: str, sequence: int, app: App, at: datetime, *, of_cdr: bool
    ) -> WebhookRequest:
        nonce, created = self._new_nonce(), f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        digest = push_digest(app.secret, url, nonce, created, app.push_signature)
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "Authorization": AUTHORIZATION,
            "X-AKSK": username_token(app.key, digest, nonce, created),
            **standard_headers(call_id, sequence, app.secrets, at.astimezone(UTC), text),
        }
        return WebhookRequest(url, headers, text.encode(), reply_body_counts=of_cdr)

    def is_acknowledged(self, request: WebhookRequest, reply: Reply) -> bool:
        """Whether the SP acknowledged it: 2xx, and for the CDR no `resultcode` other than 0 in the body, if it is JSON.

        The format's page requires 200, but receivers also answer 204 or 201. The original never repeats status events,
        so these receivers must not get repeats for that.
        """
        if reply.status is None or not 200 <= reply.status < 300:
            return False
        return not request.reply_body_counts or _result_code(reply.body) in (None, "0")


def event_of(call: Call, fact: Fact, cdr: Cdr | None, host: str, records: Records) -> dict[str, Any] | None:
    """The body for one fact; None: a fact without notification."""
    if cdr is None and isinstance(fact, CallEnded | CdrWritten):
        raise LegStillUp(call.id)
    match fact:
        case InboundCallRecorded():
            return _event(EVENT_TYPES[InboundCallRecorded], call, fact.at, host, _dialled_in(call))
        case LegDialledRecorded() | LegRingingRecorded() | LegAnsweredRecorded():
            return _event(_LEG_EVENTS[type(fact)], call, fact.at, host, _dialled(call.leg(fact.party)))
        case CallEnded() if cdr is not None:
            return _event(EVENT_TYPES[CallEnded], call, fact.at, host, _ending(call, cdr))
        case CdrWritten() if cdr is not None:
            return {"eventType": EVENT_TYPES[CdrWritten], "feeLst": [record_of(cdr, host, records)]}
        case _:
            return None


def record_of(cdr: Cdr, host: str, records: Records | None) -> dict[str, Any]:
    """The CDR in the format's terms. `records`: None: without the link to its recording."""
    codes = codes_of(cdr)
    caller, callee = cdr.caller, cdr.callee
    record = {
        "direction": _RETURNED if cdr.origin is Origin.RETURN_CALL else _OUTGOING,
        "spId": cdr.sp,
        "appKey": cdr.app,
        "icid": f"CDR-{cdr.call_id}",
        "bindNum": cdr.bind_number or caller.display_number.e164,
        "sessionId": session_id(cdr.call_id, host),
        **_caller(cdr),
        "callOutUnaswRsn": codes.caller_cause,
        "fwdStartTime": _time(callee.dialled_at),
        "fwdAlertingTime": _time(callee.alerting_at),
        "fwdAnswerTime": _time(callee.answered_at),
        "fwdUnaswRsn": codes.callee_cause,
        "callEndTime": _time(cdr.ended_at),
        "failTime": _time(cdr.ended_at) if callee.answered_at is None else None,
        "ulFailReason": codes.release,
        "sipStatusCode": codes.sip,
        "networkError": cdr.network_error,
        **_recording(cdr, host, records),
        "ttsPlayTimes": 0,
        "ttsTransDuration": 0,
        "serviceType": _VOICE_CALLBACK,
        "hostName": host,
        "userData": cdr.user_data,
    }
    return _present(record)


def _caller(cdr: Cdr) -> dict[str, Any]:
    """The numbers of both legs and the times of the caller's. Of a return call, it was never dialled: it called in."""
    caller, callee = cdr.caller, cdr.callee
    forwarded = {"fwdDisplayNum": callee.display_number.e164, "fwdDstNum": callee.number.e164}
    if cdr.origin is Origin.RETURN_CALL:
        numbers = {"callerNum": caller.number.e164, "calleeNum": caller.display_number.e164}
        nobody = cdr.reason is EndReason.NOBODY_REMEMBERED
        return {**numbers, **({} if nobody else forwarded), "callInTime": _time(cdr.accepted_at)}
    return {
        "callerNum": caller.display_number.e164,
        "calleeNum": caller.number.e164,
        **forwarded,
        "callOutStartTime": _time(caller.dialled_at),
        "callOutAlertingTime": _time(caller.alerting_at),
        "callOutAnswerTime": _time(caller.answered_at),
    }


def _recording(cdr: Cdr, host: str, records: Records | None) -> dict[str, Any]:
    """R16: sent before the recording has arrived. It is fetched by the link, or requested by name and domain."""
    if cdr.recording is None:
        return {"recordFlag": 0}
    return {
        "recordFlag": 1,
        "recordHintTone": cdr.recording_notice or PLATFORM_NOTICE,
        "recordStartTime": _time(cdr.recording.started_at),
        "recordObjectName": record_name(cdr.call_id),
        "recordBucketName": BUCKET,
        "recordDomain": host,
        "recordFileDownloadUrl": None if records is None else records.link(cdr.app, cdr.call_id),
    }


def _event(name: str, call: Call, at: datetime, host: str, more: dict[str, Any]) -> dict[str, Any]:
    status = {
        "timestamp": _time(at),
        "userData": call.user_data,
        "sessionId": session_id(call.id, host),
        **more,
    }
    return {"eventType": name, "statusInfo": _present(status)}


def _dialled(leg: Leg) -> dict[str, str]:
    return {"caller": leg.display_number.e164, "called": leg.number.e164}


def _dialled_in(call: Call) -> dict[str, str]:
    """Of a return call: the number that dialled, which may be withheld, and the display number."""
    return {"caller": call.caller.number.e164, "called": call.caller.display_number.e164}


def _ending(call: Call, cdr: Cdr) -> dict[str, Any]:
    """Of a callback, the numbers of the leg that hung up first, as the format's page says; otherwise the caller's.

    Of a return call, those of the leg that we dial; if it is for nobody, those of the call itself.
    """
    codes = codes_of(cdr)
    if not call.is_return_call:
        numbers = _dialled(call.leg(cdr.ended_by or Party.CALLER))
    elif cdr.reason is EndReason.NOBODY_REMEMBERED:
        numbers = _dialled_in(call)
    else:
        numbers = _dialled(call.callee)
    return {
        **numbers,
        "partyType": _PARTY_TYPES[cdr.ended_by] if cdr.wants_party_type else None,
        "stateCode": codes.state,
        "stateDesc": codes.text,
    }


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _result_code(body: bytes) -> str | None:
    """The result code in a reply; None: there is none, which counts as success."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, truncated, or nested too deeply
        return None
    code = answer.get("resultcode") if isinstance(answer, dict) else None
    return None if code is None else str(code)
