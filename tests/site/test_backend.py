"""Place, stop, be notified, fetch: the backend of the site without HTTP."""

import json
import threading
from datetime import timedelta

import pytest

from lab.sp.client import CALL_STOP, CLICK2CALL, RECORD, Reply
from lab.website.backend import FEE_PATH, STATUS_PATH, CallForm, FormRefused, new_token
from lab.website.live import outcome, sentence
from lab.website.scenarios import COURIER, HOMES, RIDES, SCENARIOS, TRAINING
from tests.site.platform import CALLEE, CALLER, RECORDED, SESSION, TALK, fails, fee, said, signed, status


@pytest.fixture
def call(backend):
    return backend.place(TRAINING, CallForm(CALLER, record=True, token=new_token()))


def talk(backend, **more):
    for each in (*TALK, fee(**more)):
        assert backend.notify(each) == 200


class TestPlacing:
    def test_what_the_platform_is_asked(self, backend, platform):
        backend.place(TRAINING, CallForm("+1 202 555 0111", record=True, token=new_token()))
        [asked] = platform.of(CLICK2CALL)
        assert (asked["callerNbr"], asked["calleeNbr"]) == (CALLER, CALLEE)
        assert (asked["displayNbr"], asked["displayCalleeNbr"]) == ("+12025550100", "+12025550101")
        assert (asked["recordFlag"], asked["access_token"]) == ("true", "token-1")

    def test_no_consent_no_recording(self, backend, platform):
        backend.place(TRAINING, CallForm(CALLER))
        backend.place(RIDES, CallForm("+12025550112", ref="trip-4711", record=True))
        assert [asked["recordFlag"] for asked in platform.of(CLICK2CALL)] == ["false", "false"]

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug or "training")
    def test_every_business_calls_its_own_contact(self, backend, platform, scenario):
        contact = scenario.contacts[-1]
        backend.place(scenario, CallForm(scenario.own_number or CALLER, ref=contact.ref))
        assert platform.of(CLICK2CALL)[0]["calleeNbr"] == contact.number

    def test_the_same_form_twice_at_the_same_time_is_one_call(self, backend, platform):
        ask, calls = CallForm(CALLER, token=new_token()), []
        threads = [threading.Thread(target=lambda: calls.append(backend.place(TRAINING, ask))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(calls) == 8
        assert len({call.id for call in calls}) == 1
        assert len(platform.of(CLICK2CALL)) == 1

    def test_a_new_form_is_a_new_call(self, backend, platform):
        ids = {backend.place(TRAINING, CallForm(CALLER, token=new_token())).id for _ in range(3)}
        assert len(ids) == len(platform.of(CLICK2CALL)) == 3

    def test_an_unsure_request_is_repeated_as_the_same_one(self, backend, platform):
        ask = CallForm(CALLER, token=new_token())
        platform.answers[CLICK2CALL] = fails(TimeoutError())
        with pytest.raises(FormRefused, match="Press again"):
            backend.place(TRAINING, ask)
        del platform.answers[CLICK2CALL]
        backend.place(TRAINING, ask)
        keys = [asked["headers"]["Idempotency-Key"] for asked in platform.of(CLICK2CALL)]
        assert len(keys) == 2
        assert keys[0] == keys[1]
        assert len(keys[0]) <= 128

    def test_a_made_up_token_is_no_key(self, backend, platform):
        backend.place(TRAINING, CallForm(CALLER, token="x\r\nInjected: yes"))
        assert "\n" not in platform.of(CLICK2CALL)[0]["headers"]["Idempotency-Key"]

    @pytest.mark.parametrize(
        ("scenario", "ask", "about"),
        [
            (TRAINING, CallForm("12"), "number"),
            (TRAINING, CallForm(CALLEE), "number"),
            (COURIER, CallForm(CALLER, ref=""), "ref"),
            (COURIER, CallForm(CALLER, ref="123"), "ref"),
            (HOMES, CallForm(CALLER, ref="nobody"), "ref"),
        ],
    )
    def test_wrong_input_is_told_beside_its_field(self, backend, platform, scenario, ask, about):
        with pytest.raises(FormRefused) as refused:
            backend.place(scenario, ask)
        assert refused.value.about == about
        assert platform.asked == []

    @pytest.mark.parametrize(
        ("code", "text", "about"),
        [
            ("1010024", "Invalid caller number.is none that may be called", "number"),
            ("1010002", "Invalid request.callerNbr must be E.164", "number"),
            ("1010002", "Invalid request.calleeNbr may not be called", ""),
            ("1020165", "All concurrent calls of the app are in use.", ""),
            ("4711", "", ""),
        ],
    )
    def test_the_platforms_refusal(self, backend, platform, code, text, about):
        platform.answers[CLICK2CALL] = lambda: said(code, 403, text)
        with pytest.raises(FormRefused) as refused:
            backend.place(TRAINING, CallForm(CALLER))
        assert refused.value.about == about
        assert "Nbr" not in refused.value.text

    def test_a_scanner_may_put_blanks(self, backend, platform):
        backend.place(COURIER, CallForm(CALLER, ref=" 4006381 333931\n"))
        assert platform.of(CLICK2CALL)[0]["calleeNbr"] == COURIER.contacts[0].number


class TestNotifications:
    def test_a_talk(self, backend, call, clock):
        seen = [call.phase]
        for each in TALK:
            backend.notify(each)
            seen.append(call.phase)
        assert seen == ["asked", "dialled", "rings", "answered", "callee_dialled", "talking", "over"]
        assert not call.is_complete
        backend.notify(fee())
        clock.move(1)
        assert call.is_complete
        assert sentence(call) == "You talked with Sophia for 20 s. The call is over."
        assert outcome(call) == "talked for 20 s"

    def test_in_any_order(self, backend, call):
        for each in reversed((*TALK, fee())):
            assert backend.notify(each) == 200
        assert call.phase == "over"
        assert [each.deliveries for each in call.notifications] == [1] * 7

    def test_everything_twice_is_kept_once(self, backend, call, clock):
        for each in (*TALK, fee(**RECORDED)):
            backend.notify(each)
            backend.notify(each)
        clock.move(5)
        assert [each.deliveries for each in call.notifications] == [2] * 7
        assert len(backend.session._client.of(RECORD)) == 1

    @pytest.mark.parametrize("body", [TALK[0], fee()])
    def test_a_wrong_signature_is_refused_and_leaves_no_trace(self, backend, call, body):
        assert backend.notify(body, secret="another's") == 403
        assert (call.notifications, backend.refused) == ([], 1)

    def test_a_signature_is_good_for_its_own_url_only(self, backend, call):
        headers = signed(backend.url + STATUS_PATH)
        assert backend.receive(FEE_PATH, headers, json.dumps(fee()).encode()) == 403
        assert backend.receive(STATUS_PATH, {}, json.dumps(TALK[0]).encode()) == 403
        assert call.notifications == []

    @pytest.mark.parametrize("minutes", [-5, 0, 5])
    def test_a_signature_is_good_once_whatever_the_body(self, backend, call, clock, minutes):
        headers = signed(backend.url + STATUS_PATH, at=clock.now() - timedelta(minutes=minutes))
        assert backend.receive(STATUS_PATH, headers, json.dumps(TALK[0]).encode()) == 200
        for after in (0, 5, 5, 1):
            clock.move(after * 60)
            assert backend.receive(STATUS_PATH, headers, json.dumps(TALK[1]).encode()) == 403
        assert len(call.notifications) == 1

    @pytest.mark.parametrize("seconds", [301, -301, 8 * 3600, 10**9])
    def test_a_signature_of_another_time_is_refused(self, backend, call, clock, seconds):
        headers = signed(backend.url + STATUS_PATH, at=clock.now() - timedelta(seconds=seconds))
        assert backend.receive(STATUS_PATH, headers, json.dumps(TALK[0]).encode()) == 403

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("x-aksk", 'UsernameToken PasswordDigest="é",Nonce="é",Created="é"'),
            ("x-aksk", ""),
            ("authorization", "é"),
        ],
    )
    def test_a_header_that_is_no_signature_is_refused(self, backend, call, name, value):
        headers = {**signed(backend.url + STATUS_PATH), name: value}
        assert backend.receive(STATUS_PATH, headers, json.dumps(TALK[0]).encode()) == 403

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{}", b'{"eventType": "answer"}', b"\xff", b'{"eventType":"fee"}']
    )
    def test_what_is_no_notification_is_refused(self, backend, call, content):
        assert backend.receive(STATUS_PATH, signed(backend.url + STATUS_PATH), content) == 400
        assert (call.notifications, backend.refused) == ([], 1)

    def test_what_comes_before_the_platforms_own_answer_is_kept(self, backend, platform, clock):
        def early() -> Reply:
            for each in (*TALK, fee(**RECORDED)):
                assert backend.notify(each) == 200
            return said("0", sessionId=SESSION)

        platform.answers[CLICK2CALL] = early
        call = backend.place(TRAINING, CallForm(CALLER, record=True))
        clock.move(5)
        assert (call.phase, len(call.notifications), call.recording) == ("over", 7, "ready")

    def test_calls_are_not_mixed_up(self, backend):
        first, second = (backend.place(TRAINING, CallForm(CALLER, token=new_token())) for _ in "ab")
        backend.notify(status("callout", CALLER, 1, session=second.session_id))
        assert (first.notifications, len(second.notifications)) == ([], 1)

    def test_several_records_in_one_notification(self, backend, clock):
        calls = [backend.place(TRAINING, CallForm(CALLER, token=new_token())) for _ in "ab"]
        both = fee(calls[0].session_id)
        both["feeLst"] += fee(calls[1].session_id)["feeLst"]
        backend.notify(both)
        clock.move(1)
        assert [call.is_complete for call in calls] == [True, True]

    def test_the_exact_times_are_asked_for_at_the_end(self, backend, call, platform, clock):
        fact = {"eventType": "answer", "party": "callee", "at": "2026-11-23T09:00:06.250Z"}
        platform.answers["/duologue/v1/callbacks/"] = lambda: said("0", facts=[fact])  # type: ignore[arg-type]
        talk(backend)
        clock.move(1)
        assert call.find("answer", "callee").exact_at.microsecond == 250_000
        assert call.find("answer", "caller").exact_at is None

    def test_the_cdr_stands_though_the_platform_cannot_be_asked_more(self, backend, call, platform, clock):
        platform.answers["/duologue/v1/callbacks/"] = fails(ConnectionRefusedError())
        talk(backend)
        clock.move(1)
        assert call.is_complete


class TestStopping:
    @pytest.mark.parametrize("told", range(6))
    def test_in_every_phase(self, backend, call, platform, told):
        for each in TALK[:told]:
            backend.notify(each)
        backend.stop(call)
        assert call.phase == ("over" if told == 6 else "stopping")
        assert platform.of(CALL_STOP)[0]["sessionid"] == SESSION

    def test_twice(self, backend, call):
        backend.stop(call)
        backend.stop(call)
        assert call.phase == "stopping"
        backend.notify(status("disconnect", CALLER, 5, stateCode=8017, stateDesc=""))
        assert (call.phase, sentence(call)) == ("over", "The call was stopped from this page.")

    def test_too_late(self, backend, call, platform):
        platform.answers[CALL_STOP] = lambda: said("1020152", 403)
        backend.stop(call)
        assert "already over" in call.note
        assert not call.stop_asked

    @pytest.mark.parametrize("answer", [fails(TimeoutError()), lambda: said("1010001", 500)])
    def test_a_stop_that_failed_can_be_tried_again(self, backend, call, platform, answer):
        platform.answers[CALL_STOP] = answer
        backend.stop(call)
        assert call.note
        assert not call.stop_asked
        del platform.answers[CALL_STOP]
        backend.stop(call)
        assert (call.stop_asked, call.note) == (True, "")


class TestRecording:
    def test_it_is_awaited_until_it_is_there(self, backend, call, platform, clock):
        platform.answers[RECORD] = lambda: said("1011006", 403)
        talk(backend, **RECORDED)
        clock.move(10)
        assert call.recording == "awaited"
        assert not call.is_complete
        del platform.answers[RECORD]
        clock.move(10)
        assert (call.recording, call.is_complete) == ("ready", True)

    def test_it_is_not_awaited_for_ever(self, backend, call, platform, clock):
        platform.answers[RECORD] = fails(ConnectionRefusedError())
        talk(backend, **RECORDED)
        clock.move(3600)
        assert (call.recording, clock.waiting) == ("gone", [])

    def test_a_deleted_one(self, backend, call, platform, clock):
        platform.answers[RECORD] = lambda: said("1012007", 403)
        talk(backend, **RECORDED)
        clock.move(1)
        assert call.recording == "gone"

    def test_none_was_made(self, backend, call, platform, clock):
        talk(backend)
        clock.move(10)
        assert (call.recording, platform.of(RECORD)) == ("none", [])

    def test_its_bytes_and_a_part_of_them(self, backend, call, platform, clock, storage):
        platform.link = f"{storage.url}/r/new"
        talk(backend, **RECORDED)
        clock.move(1)
        whole = backend.recording(call, None)
        assert (whole.status, b"".join(whole.chunks())) == (200, storage.sound)
        whole.close()
        part = backend.recording(call, "bytes=10-19")
        assert (part.status, b"".join(part.chunks())) == (206, storage.sound[10:20])
        part.close()
        assert len(platform.of(RECORD)) == 1

    def test_a_link_that_ended_is_asked_for_anew(self, backend, call, platform, clock, storage):
        platform.link = f"{storage.url}/r/old"
        talk(backend, **RECORDED)
        clock.move(1)
        storage.expired, platform.link = True, f"{storage.url}/r/new"
        sound = backend.recording(call, None)
        assert b"".join(sound.chunks()) == storage.sound
        sound.close()

    def test_a_link_that_leads_nowhere(self, backend, call, platform, clock, storage):
        platform.link = f"{storage.url}/round"
        talk(backend, **RECORDED)
        clock.move(1)
        with pytest.raises(OSError, match="too many redirects"):
            backend.recording(call, None)
