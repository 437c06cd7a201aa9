"""What an SP is told, and what counts as taken."""

import base64
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import standardwebhooks

from duologue.call_control.events import EndNotReported
from duologue.call_control.facts import (
    CallAccepted,
    CallEnded,
    CdrWritten,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.call_control.machine import decide
from duologue.domain.access.accounts import App, PushSignature
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.outcome import EndReason, Outcome, Party, Result
from duologue.domain.errors import LegStillUp
from duologue.domain.media.audio import Audio
from duologue.domain.media.recording import Recording
from duologue.domain.notifying.webhook_request import Reply
from duologue.wire.huawei import notifications
from duologue.wire.huawei.digests import push_digest
from duologue.wire.huawei.notifications import HuaweiWebhooks, record_of
from duologue.wire.huawei.records import Records
from tests.fakes.recordings import RECORDS, FakeLinkTokens
from tests.samples import at, callback

HOST = "ce1.example.com"
TOKENS = FakeLinkTokens()
SESSION = f"1_2_3_20261123090000@{HOST}"
APP = App(key="app-1", sp="sp-1", secret="ExampleSecret0123456789abcd")
TO_CALLER = {"caller": "+12025550100", "called": "+12025550111"}
TO_CALLEE = {"caller": "+12025550101", "called": "+12025550122"}


LONGEST_ID = callback("4294967295_4294967295_4294967295_20261123090000")


def cdr(call):
    return cdr_of(call) if call.ended_at is not None else None


def event_of(call, fact, host, records):
    return notifications.event_of(call, fact, cdr(call), host, records)


def request(call, fact, app, seconds, webhooks=None):
    return (webhooks or make_webhooks()).request(call, 7, fact, cdr(call), app, at(seconds))


def talked():
    call = callback()
    done = Outcome(Result.COMPLETED)
    return replace(
        call,
        caller=replace(
            call.caller, dialled_at=at(0), alerting_at=at(3), answered_at=at(8), ended_at=at(60), outcome=done
        ),
        callee=replace(call.callee, dialled_at=at(8.2), answered_at=at(15), ended_at=at(60), outcome=done),
        ending=EndReason.HUNG_UP,
        ended_by=Party.CALLEE,
        ended_at=at(60.4),
    )


@pytest.mark.parametrize(
    ("fact", "event", "numbers"),
    [
        (LegDialledRecorded(at(0), Party.CALLER), "callout", TO_CALLER),
        (LegRingingRecorded(at(0), Party.CALLER), "alerting", TO_CALLER),
        (LegAnsweredRecorded(at(0), Party.CALLER), "answer", TO_CALLER),
        (LegDialledRecorded(at(0), Party.CALLEE), "callout", TO_CALLEE),
        (LegRingingRecorded(at(0), Party.CALLEE), "alerting", TO_CALLEE),
        (LegAnsweredRecorded(at(0), Party.CALLEE), "answer", TO_CALLEE),
    ],
)
def test_each_step_of_a_leg(fact, event, numbers):
    assert event_of(callback(), fact, HOST, RECORDS) == {
        "eventType": event,
        "statusInfo": {
            "timestamp": "2026-11-23 09:00:00",
            "userData": "order-17",
            "sessionId": SESSION,
            **numbers,
        },
    }


@pytest.mark.parametrize(
    ("ended_by", "numbers"), [(Party.CALLER, TO_CALLER), (Party.CALLEE, TO_CALLEE), (None, TO_CALLER)]
)
def test_the_end_has_the_numbers_of_the_leg_that_hung_up_first(ended_by, numbers):
    ended = replace(talked(), ended_by=ended_by)
    assert event_of(ended, CallEnded(at(60), EndReason.HUNG_UP), HOST, RECORDS) == {
        "eventType": "disconnect",
        "statusInfo": {
            "timestamp": "2026-11-23 09:01:00",
            "userData": "order-17",
            "sessionId": SESSION,
            **numbers,
            "stateCode": 0,
            "stateDesc": "The call was answered and has ended.",
        },
    }


@pytest.mark.parametrize(("party", "value"), [(Party.CALLER, "caller"), (Party.CALLEE, "called"), (None, "platform")])
def test_who_hung_up_is_told_only_if_asked_for(party, value):
    call = replace(talked(), ended_by=party)
    fact = CallEnded(at(60), EndReason.HUNG_UP)
    assert "partyType" not in event_of(call, fact, HOST, RECORDS)["statusInfo"]
    assert event_of(replace(call, wants_party_type=True), fact, HOST, RECORDS)["statusInfo"]["partyType"] == value


def test_the_cdr_of_a_talk():
    told = event_of(talked(), CdrWritten(at(61)), HOST, RECORDS)
    assert told == {
        "eventType": "fee",
        "feeLst": [
            {
                "direction": 0,
                "spId": "sp-1",
                "appKey": "app-1",
                "icid": "CDR-1_2_3_20261123090000",
                "bindNum": "+12025550100",
                "sessionId": SESSION,
                "callerNum": "+12025550100",
                "calleeNum": "+12025550111",
                "fwdDisplayNum": "+12025550101",
                "fwdDstNum": "+12025550122",
                "callOutStartTime": "2026-11-23 09:00:00",
                "callOutAlertingTime": "2026-11-23 09:00:03",
                "callOutAnswerTime": "2026-11-23 09:00:08",
                "callOutUnaswRsn": 0,
                "fwdStartTime": "2026-11-23 09:00:08",
                "fwdAnswerTime": "2026-11-23 09:00:15",
                "fwdUnaswRsn": 0,
                "callEndTime": "2026-11-23 09:01:00",
                "ulFailReason": 0,
                "sipStatusCode": 0,
                "recordFlag": 0,
                "ttsPlayTimes": 0,
                "ttsTransDuration": 0,
                "serviceType": "002",
                "hostName": HOST,
                "userData": "order-17",
            }
        ],
    }


def test_the_cdr_of_a_failed_call_omits_what_did_not_happen():
    call = callback()
    busy = replace(call.caller, dialled_at=at(0), ended_at=at(4), outcome=Outcome(Result.BUSY, 486))
    call = replace(call, caller=busy, ending=EndReason.CALLER_FAILED, ended_at=at(4), user_data=None)
    (record,) = event_of(call, CdrWritten(at(4)), HOST, RECORDS)["feeLst"]
    assert record["failTime"] == record["callEndTime"] == "2026-11-23 09:00:04"
    assert (record["ulFailReason"], record["sipStatusCode"], record["callOutUnaswRsn"]) == (518, 486, 17)
    never = {"callOutAlertingTime", "callOutAnswerTime", "fwdStartTime", "fwdAlertingTime", "fwdAnswerTime", "userData"}
    assert not never & set(record)


def test_a_call_without_user_data_or_bind_number():
    call = replace(callback(), user_data=None)
    assert "userData" not in event_of(call, LegDialledRecorded(at(0), Party.CALLER), HOST, RECORDS)["statusInfo"]
    ended = replace(talked(), bind_number="")
    (record,) = event_of(ended, CdrWritten(at(61)), HOST, RECORDS)["feeLst"]
    assert record["bindNum"] == "+12025550100"


def test_the_acceptance_is_not_told():
    assert event_of(callback(), CallAccepted(at(0)), HOST, RECORDS) is None


def make_webhooks() -> HuaweiWebhooks:
    return HuaweiWebhooks(HOST, lambda: "66C92B11FF8A425FB8D4CCFE0ED9ED1F", RECORDS)


def test_a_notification_is_signed_for_its_url():
    sent = request(talked(), LegDialledRecorded(at(0), Party.CALLER), APP, 1)
    digest = push_digest(
        APP.secret, "http://127.0.0.1:9999/status", "66C92B11FF8A425FB8D4CCFE0ED9ED1F", "2026-11-23T09:00:01Z"
    )
    assert sent.url == "http://127.0.0.1:9999/status"
    assert {name: sent.headers[name] for name in ("Content-Type", "Authorization", "X-AKSK")} == {
        "Content-Type": "application/json;charset=UTF-8",
        "Authorization": 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"',
        "X-AKSK": (
            f'UsernameToken Username="app-1",PasswordDigest="{digest}",'
            'Nonce="66C92B11FF8A425FB8D4CCFE0ED9ED1F",Created="2026-11-23T09:00:01Z"'
        ),
    }
    older = request(
        talked(), LegDialledRecorded(at(0), Party.CALLER), replace(APP, push_signature=PushSignature.JOINED), 1
    )
    joined = f"{sent.url}66C92B11FF8A425FB8D4CCFE0ED9ED1F2026-11-23T09:00:01Z"
    digest = base64.b64encode(hmac.digest(APP.secret.encode(), joined.encode(), "sha256")).decode()
    assert f'PasswordDigest="{digest}"' in older.headers["X-AKSK"]
    assert json.loads(sent.body)["eventType"] == "callout"
    assert APP.secret not in repr(sent) and "+1202555" not in repr(sent)


def test_while_two_secrets_are_live_the_digest_is_made_with_the_newer():
    rotated = replace(APP, secret="the newer one", older_secret=APP.secret)
    told = LegDialledRecorded(at(0), Party.CALLER)
    newer = request(talked(), told, replace(APP, secret="the newer one"), 1)
    assert request(talked(), told, rotated, 1).headers["X-AKSK"] == newer.headers["X-AKSK"]


@pytest.fixture
def received_at(monkeypatch):
    """Sets the time of the verifier of Standard Webhooks."""

    class Clock(datetime):
        seconds = 0.0

        @classmethod
        def now(cls, tz=None):  # noqa: ARG003 - the signature is the standard library's
            return at(cls.seconds)

    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Clock)
    return lambda seconds: setattr(Clock, "seconds", seconds)


@pytest.mark.parametrize(
    ("secret", "changed", "seconds", "good"),
    [
        ("new", {}, 1, True),
        ("old", {}, 1, True),
        ("new", {}, 300, True),
        ("new", {}, 302, False),
        ("new", {}, -300, False),
        ("another", {}, 1, False),
        ("new", {"body": b"{}"}, 1, False),
        ("new", {"webhook-id": "1_2_3_20261123090000-8"}, 1, False),
        ("new", {"webhook-timestamp": "1795424402"}, 1, False),
        ("new", {"webhook-signature": "v1,AAAA"}, 1, False),
    ],
)
def test_the_verifier_of_standard_webhooks_takes_what_was_signed_and_nothing_else(
    received_at, secret, changed, seconds, good
):
    """With each valid secret of the app, within five minutes."""
    received_at(seconds)
    fact = LegDialledRecorded(at(0), Party.CALLER)
    sent = request(replace(talked(), user_data="Größe \u2028"), fact, replace(APP, secret="new", older_secret="old"), 1)
    headers, body = {**sent.headers, **changed}, changed.get("body", sent.body)
    verifier = standardwebhooks.Webhook(secret.encode())
    if good:
        assert verifier.verify(body, headers)["eventType"] == "callout"
    else:
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            verifier.verify(body, headers)


def test_the_id_is_the_same_for_every_attempt_and_the_number_is_the_facts():
    first, second = (request(talked(), CdrWritten(at(60)), APP, seconds).headers for seconds in (60, 360))
    assert first["webhook-id"] == second["webhook-id"] == "1_2_3_20261123090000-7"
    assert first["X-Duologue-Sequence"] == second["X-Duologue-Sequence"] == "7"
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_which_url_and_whether_the_replys_body_counts():
    call = replace(talked(), notify=NotifyTo("http://127.0.0.1/s", "http://127.0.0.1/f"))
    event, cdr = (request(call, fact, APP, 60) for fact in (CallEnded(at(60), EndReason.HUNG_UP), CdrWritten(at(60))))
    assert (event.url, event.reply_body_counts) == ("http://127.0.0.1/s", False)
    assert (cdr.url, cdr.reply_body_counts) == ("http://127.0.0.1/f", True)
    deaf = replace(call, notify=NotifyTo())
    assert request(deaf, CallEnded(at(60), EndReason.HUNG_UP), APP, 60) is None
    assert request(deaf, CdrWritten(at(60)), APP, 60) is None


ENDED, CLOSED = CallEnded(at(60), EndReason.HUNG_UP), CdrWritten(at(60))


@pytest.mark.parametrize(
    ("fact", "reply", "acknowledged"),
    [
        (ENDED, Reply(200), True),
        (ENDED, Reply(200, b'{"resultcode":"1"}'), True),  # an event's reply body means nothing
        (ENDED, Reply(204), True),  # the page asks for 200; the original would not come again either
        (ENDED, Reply(299), True),
        (ENDED, Reply(199), False),
        (ENDED, Reply(302), False),
        (ENDED, Reply(500), False),
        (ENDED, Reply(None, note="too slow"), False),
        (CLOSED, Reply(200), True),
        (CLOSED, Reply(200, b"ok"), True),
        (CLOSED, Reply(204), True),
        (CLOSED, Reply(202, b'{"resultcode":"1"}'), False),
        (CLOSED, Reply(200, b'{"resultcode":"0","resultdesc":"Success"}'), True),
        (CLOSED, Reply(200, b'{"resultcode":0}'), True),
        (CLOSED, Reply(200, b'{"result":true,"result_code":7}'), True),
        (CLOSED, Reply(200, b'{"resultcode":null}'), True),
        (CLOSED, Reply(200, b"[" * 4096), True),
        (CLOSED, Reply(200, b"\xff\xfe"), True),
        (CLOSED, Reply(200, b'{"resultcode":"102'), True),  # what was read by the deadline is not JSON yet
        (CLOSED, Reply(200, b'\xef\xbb\xbf{"resultcode":"0"}'), True),
        (CLOSED, Reply(200, b'\xef\xbb\xbf{"resultcode":"1"}\r\n'), False),
        (CLOSED, Reply(200, b'{"resultcode":"1020001"}'), False),
        (CLOSED, Reply(200, b'{"resultcode":1}'), False),
        (CLOSED, Reply(500, b'{"resultcode":"0"}'), False),
    ],
)
def test_what_counts_as_acknowledged(fact, reply, acknowledged):
    posted = request(talked(), fact, APP, 61)
    assert posted is not None
    assert make_webhooks().is_acknowledged(posted, reply) is acknowledged


def test_a_ping_is_signed_as_any_notification_and_has_what_receivers_read_unchecked(received_at):
    received_at(5)
    urls = NotifyTo("https://a.example.com/", "https://b.example.com/")
    status, fee = make_webhooks().pings("7_7_7_20261123090000", urls, APP, at(5))
    for posted in (status, fee):
        assert posted.headers["webhook-id"] == "7_7_7_20261123090000-0"
        told = standardwebhooks.Webhook(APP.secret.encode()).verify(posted.body, dict(posted.headers))
        assert told["eventType"] == "ping"
        assert "PasswordDigest=" in posted.headers["X-AKSK"]
    assert [posted.url for posted in (status, fee)] == ["https://a.example.com/", "https://b.example.com/"]
    assert json.loads(status.body)["statusInfo"].keys() == {"timestamp", "sessionId", "caller", "called"}
    assert json.loads(fee.body) == {"eventType": "ping", "feeLst": []}
    assert (status.reply_body_counts, fee.reply_body_counts) == (False, True)
    assert make_webhooks().pings("7_7_7_20261123090000", NotifyTo(None, "https://b.example.com/"), APP, at(5)) == [fee]


def test_two_calls_have_two_record_ids():
    one, other = cdr_of(talked()), cdr_of(replace(talked(), id="1_2_4_20261123090000"))
    assert record_of(one, HOST, RECORDS)["icid"] != record_of(other, HOST, RECORDS)["icid"]
    assert one.talk == timedelta(seconds=45)


def test_a_recording_is_told_if_and_only_if_it_started():
    call = decide(replace(callback(), ending=EndReason.HUNG_UP), EndNotReported(at(90))).call
    plain = record_of(cdr_of(call), HOST, RECORDS)
    assert plain["recordFlag"] == 0
    assert not [name for name in plain if name.startswith("record") and name != "recordFlag"]
    recorded = replace(call, recording=Recording("calls/app-1/x/stereo.wav", at(15)))
    told = record_of(cdr_of(recorded), HOST, RECORDS)
    own = replace(recorded, audio=Audio(recording_notice="ours.wav"))
    assert record_of(cdr_of(own), HOST, RECORDS)["recordHintTone"] == "ours.wav"
    assert {name: value for name, value in told.items() if name.startswith("record")} == {
        "recordFlag": 1,
        "recordHintTone": "recording-notice",
        "recordStartTime": "2026-11-23 09:00:15",
        "recordObjectName": f"{call.id}.wav",
        "recordBucketName": "recordings",
        "recordDomain": HOST,
        "recordFileDownloadUrl": f"https://api.example.com/r/{TOKENS.token_of('app-1', call.id)}/{call.id}.wav",
    }


def test_the_link_fits_the_wire_and_is_made_for_the_cdr_only():
    asked = []

    def token_of(app, call_id):
        asked.append(call_id)
        return TOKENS.token_of(app, call_id)

    longest = Records("https://" + "x" * 255, token_of)
    call = decide(replace(LONGEST_ID, ending=EndReason.HUNG_UP), EndNotReported(at(90))).call
    recorded = replace(call, recording=Recording("calls/app-1/x/stereo.wav", at(15)))
    event_of(recorded, CallEnded(at(90), EndReason.HUNG_UP), HOST, longest)
    event_of(call, CdrWritten(at(90)), HOST, longest)
    request(
        replace(recorded, notify=NotifyTo()), CdrWritten(at(90)), APP, 90, HuaweiWebhooks(HOST, lambda: "n1", longest)
    )
    assert asked == [], "of a call that was not recorded, or of which nobody is told, no key service is asked"
    assert len(record_of(cdr_of(recorded), HOST, longest)["recordFileDownloadUrl"]) <= 1024


def test_the_networks_code_for_a_dial_that_it_refused_is_in_the_cdr():
    refused = replace(talked(), ending=EndReason.DIAL_REFUSED, dial_refusal="BadRequestException")
    record = record_of(cdr_of(refused), HOST, RECORDS)
    assert (record["networkError"], record["ulFailReason"]) == ("BadRequestException", 100)
    assert "networkError" not in record_of(cdr_of(talked()), HOST, RECORDS)


def test_an_end_without_its_cdr_is_not_told():
    with pytest.raises(LegStillUp):
        notifications.event_of(talked(), ENDED, None, HOST, RECORDS)
