"""The page of one call: its reason, its time line, what the SP was told, its recording, and what can be done."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.history import DeliveryState
from duologue.domain.calls.call import NotifyTo, Phase
from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.media.audio import Audio
from duologue.domain.media.recording import Recording
from tests.call_control.stories import CALLEE_LEFT, CALLER_DIALLED, CALLER_LEFT, CALLER_RANG, TALKING
from tests.console.world import FAILED, NOT_ANSWERED, TALKED, recorded
from tests.samples import at
from tests.telephone_numbers import telephone_numbers_in

LABELS = re.compile(r'<g class="(bar|mark) ([\w ]+)"[^>]*aria-label="([^"]*)"')


def drawn(page):
    """What the time line says, in the order in which it is drawn."""
    return [label for _, _, label in LABELS.findall(page)]


def test_a_failed_call_says_why_and_beside_it_the_codes(browser, world):
    call = world.place(*FAILED)
    page = browser.get(f"/calls/{call.id}").text
    assert "<h1>The caller's phone was busy. The callee was not rung.</h1>".replace("'", "&#39;") in page
    assert '<a href="/codes#s8108">8108 caller failed</a>' in page
    assert "SIP 486" in page
    assert f"{call.id}@duologue.example.com" in page


def test_the_time_line_has_both_legs_the_network_the_flow_and_every_attempt(browser, world):
    call = world.place(*TALKED)
    world.fail(call, len(world.calls.history(call.id).facts) - 1, tries=3)
    said = drawn(browser.get(f"/calls/{call.id}").text)
    for text in (
        "09:30:01 (+1.0 s): the caller&#39;s phone rings, 2 s",
        "09:30:03 (+3.0 s): the caller has answered and waits, 6 s",
        "09:30:09 (+9.0 s): the caller talks, 51 s",
        "09:30:09 (+9.0 s): the callee talks, 51 s",
        "09:30:09 (+9.0 s): the network reported: the callee answered",
        "09:30:00 (+0.0 s): state “Ring the caller”, 3 s",
        "disconnect (try 1): not acknowledged, HTTP 503",
        "disconnect (try 3): not acknowledged, HTTP 503",
        "CDR: acknowledged, HTTP 200",
    ):
        assert any(text in each for each in said), f"{text}\n" + "\n".join(said)


def test_the_time_line_says_who_was_alone_and_what_they_heard(browser, world):
    """A prompt before the callee's dial, notices before the recording, and the leg that outlives the other (R9)."""
    events = (*TALKING, recorded(14), CALLEE_LEFT, replace(CALLER_LEFT, at=at(63)))
    call = world.place(
        *events, wants_recording=True, audio=Audio(before_callee="welcome.wav", recording_notice="note.wav")
    )
    world.calls.change(call.id, prelude_at=call.accepted_at + timedelta(seconds=3))
    said = "\n".join(drawn(browser.get(f"/calls/{call.id}").text))
    for text in (
        "(+3.0 s): the caller hears welcome.wav, 1 s",
        "(+4.0 s): the caller hears the waiting prompt, 5 s",
        "(+9.0 s): both hear note.wav, one after the other, 5 s",
        "(+14.0 s): the talk is recorded, 46 s",
        "(+60.0 s): the caller is still up, alone, 3 s",
    ):
        assert text in said


def test_no_label_is_wider_than_its_bar(browser, world):
    call = world.place(*TALKED)
    page = browser.get(f"/calls/{call.id}").text
    for width, label in re.findall(
        r'width="([\d.]+)%" height="18" rx="2"/>\s*<text class="on-all"[^>]*>([^<]+)<', page
    ):
        assert len(label) * 6.6 <= float(width) / 100 * 320


@pytest.mark.parametrize("events", [FAILED, TALKED, NOT_ANSWERED, TALKING], ids=["failed", "talked", "silent", "up"])
def test_no_whole_number_is_on_the_page(browser, world, events):
    """Neither in what was answered to the network nor in what was sent to the SP; display numbers are the SP's own."""
    call = world.place(*events, **world.remember())
    world.keep_memory(call) if call.callee.dialled_at else None
    page = browser.get(f"/calls/{call.id}").text
    shown = {each.display_number.e164 for each in (call.caller, call.callee)}
    for number in shown:
        page = page.replace(number, "")
    assert telephone_numbers_in([page]) == []
    assert call.caller.number.e164.removeprefix("+") not in page
    assert call.callee.number.e164.removeprefix("+") not in page


def test_a_whole_number_is_shown_once_the_audit_has_it(browser, world):
    call = world.place(*FAILED)
    answer = browser.send_form(f"/calls/{call.id}/number", party="callee")
    assert answer.json() == {"number": call.callee.number.e164}
    [entry] = world.audit.entries
    assert (entry.kind, entry.who, entry.app, entry.call, entry.detail) == (
        *("console number", "arn:aws:iam::111122223333:user/olga"),
        *("app-1", call.id, "callee"),
    )
    world.audit.out_of_reach = True
    assert call.callee.number.e164 not in browser.send_form(f"/calls/{call.id}/number", party="callee").text


def test_each_notification_shows_its_attempts_and_replies_and_what_was_sent(browser, world):
    call = world.place(*TALKED)
    number = len(world.calls.history(call.id).facts) - 1
    world.fail(call, number, tries=3)
    page = browser.get(f"/calls/{call.id}").text
    told = page[page.index(f'id="n{number}"') :]
    told = told[: told.index("</details>")]
    assert told.count("HTTP 503</strong>") == 3
    assert told.count("reply: down") == 3
    assert "&#34;stateCode&#34;: 0" in told
    assert "user:pw" not in page
    assert "12025550177" not in page, "nor a number of somebody else"
    assert "undelivered" in told


@pytest.mark.parametrize(
    ("action", "state", "kind"),
    [
        ("send-again", DeliveryState.WAITING, "console retry-now"),
        ("cancel", DeliveryState.CANCELLED, "console cancel"),
    ],
)
def test_a_notification_is_sent_again_or_cancelled_and_the_audit_has_it(browser, world, action, state, kind):
    call = world.place(*TALKED)
    number = len(world.calls.history(call.id).facts) - 1
    world.fail(call, number)
    page = browser.send_form(f"/calls/{call.id}/{action}", sequence=str(number)).text
    assert world.calls.deliveries[call.id, number].state is state
    assert ('role="status">It is' in page) is True
    assert [(entry.kind, entry.call, entry.detail) for entry in world.audit.entries] == [
        (kind, call.id, f"notification {number}")
    ]
    if action == "send-again":
        assert world.calls.deliveries[call.id, number].due == world.clock.now()


def test_what_cannot_be_audited_is_not_done(browser, world):
    call = world.place(*TALKING)
    world.audit.out_of_reach = True
    assert browser.send_form(f"/calls/{call.id}/stop").status_code == 503
    assert world.calls.load(call.id).call.phase is Phase.TALKING


def test_a_call_that_is_up_is_stopped(browser, world):
    call = world.place(*TALKING)
    page = browser.get(f"/calls/{call.id}").text
    assert "Stop the call" in page
    assert "The call is being stopped." in browser.send_form(f"/calls/{call.id}/stop").text
    assert world.calls.load(call.id).call.phase is Phase.ENDING
    again = browser.send_form(f"/calls/{call.id}/stop").text
    assert "There was nothing to stop" in again
    assert [entry.kind for entry in world.audit.entries] == ["console stop", "console stop"]
    assert "Stop the call" not in browser.get(f"/calls/{world.place(*TALKED).id}").text


class TestRecording:
    @pytest.fixture
    def call(self, world):
        return world.record(world.place(*TALKING[:4], TALKING[4], recorded(10), *TALKED[5:], wants_recording=True))

    def test_it_is_played_part_by_part_and_the_audit_has_it_once(self, browser, world, call):
        sound = next(iter(world.recordings.sounds.values()))
        path = f"/calls/{call.id}/recording"
        assert f'src="{path}"' in browser.get(f"/calls/{call.id}").text
        whole = browser.get(path)
        assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, sound, "audio/wav")
        part = browser.get(path, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, sound[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(sound)}"
        last = browser.get(path, headers={"Range": "bytes=-10"})
        assert last.content == sound[-10:]
        beyond = browser.get(path, headers={"Range": f"bytes={len(sound)}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(sound)}")
        assert [(entry.kind, entry.call) for entry in world.audit.entries] == [("console play", call.id)]

    def test_none_is_played_that_cannot_be_audited(self, browser, world, call):
        world.audit.out_of_reach = True
        assert browser.get(f"/calls/{call.id}/recording").status_code == 503

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"deleted_at": at(90)}, "The SP deleted it"),
            ({"missing_at": at(900)}, "The network never delivered the file."),
            ({}, "The file has not arrived, and was not looked for yet."),
        ],
    )
    def test_one_that_is_not_there_says_why(self, browser, world, call, change, says):
        world.recordings.sounds.clear()
        world.calls.change(call.id, recording=replace(Recording("key", at(10)), **change))
        assert says in browser.get(f"/calls/{call.id}").text
        assert browser.get(f"/calls/{call.id}/recording").status_code == 404

    @pytest.mark.parametrize(
        ("of_app", "of_platform", "after", "is_gone"),
        [
            (3, 7, timedelta(days=3), True),
            (3, 7, timedelta(days=2, hours=23), False),
            (0, 7, timedelta(days=7), True),
            (30, 7, timedelta(days=7), True),
            (0, 7, timedelta(days=6, hours=23), False),
            (3, None, timedelta(days=3), True),
            (0, None, timedelta(days=80), False),
        ],
    )
    def test_a_file_is_gone_once_the_retention_of_its_app_or_the_platform_is_over(
        self, browser, world, of_app, of_platform, after, is_gone
    ):
        events = (*TALKING[:4], TALKING[4], recorded(10), *TALKED[5:])
        call = world.place(*events, wants_recording=True, keep_recording_days=of_app)
        world.kept_days = of_platform
        world.clock.advance((call.ended_at + after - world.clock.now()).total_seconds())
        page = browser.get(f"/calls/{call.id}").text
        assert ("The file is gone: its retention is over." in page) is is_gone
        assert ("The file has not arrived, and was not looked for yet." in page) is not is_gone


def test_the_memory_that_the_call_made_is_shown(browser, world):
    call = world.place(*TALKED, **world.remember())
    world.keep_memory(call)
    assert "If ••• 0122 dials +12025550101, ••• 0111 is rung." in browser.get(f"/calls/{call.id}").text


def test_a_part_that_cannot_be_read_costs_no_other(browser, world):
    call = world.place(*TALKED, **world.remember())
    world.flow_histories.refusal = OutsideUnavailable("state machine: AccessDenied")
    world.seal.out_of_reach = True
    page = browser.get(f"/calls/{call.id}").text
    assert "The flow could not be read: state machine: AccessDenied" in page
    assert "It could not be read: the key service" in page
    assert "the callee talks" in page


def test_a_notification_that_goes_nowhere_says_so(browser, world):
    call = world.place(*FAILED, notify=NotifyTo())
    assert "no URL for it" in browser.get(f"/calls/{call.id}").text


class TestLive:
    def events(self, browser, call):
        text = browser.get(f"/calls/{call.id}/live").text
        return [block.partition("\n")[0].removeprefix("event: ") for block in text.split("\n\n") if block]

    def test_a_call_is_followed_until_its_end(self, browser, world):
        """It is sent when it has changed, and not when it has not."""
        call = world.place(CALLER_DIALLED, CALLER_RANG, age=timedelta(seconds=5))
        then = [lambda: None, lambda: world.calls.change(call.id, **_over(world, call))]

        async def wait():
            then.pop(0)()

        world.wait = wait
        assert f'data-live="/calls/{call.id}/live"' in browser.get(f"/calls/{call.id}").text
        assert self.events(browser, call) == ["page", ": nothing new", "page", "over"]
        assert "data-live" not in browser.get(f"/calls/{call.id}").text

    def test_a_call_is_followed_until_its_recording_is_published(self, browser, world):
        """Neither a look that failed nor the network's own file ends it."""
        events = (*TALKING[:4], TALKING[4], recorded(10), *TALKED[5:])
        call = world.place(*events, age=timedelta(minutes=3), wants_recording=True)
        steps = [
            lambda: setattr(world.recordings, "out_of_reach", True),
            lambda: setattr(world.recordings, "out_of_reach", False),
            lambda: world.recordings.sounds.update({call.recording.key: b"stereo"}),
            lambda: world.record(call),
        ]

        async def wait():
            steps.pop(0)()

        world.wait = wait
        assert "The file has not arrived yet." in browser.get(f"/calls/{call.id}").text
        text = browser.get(f"/calls/{call.id}/live").text
        said = ["has not arrived yet", "could not be looked for", "has not arrived yet", "stereo, as", "mono, as"]
        assert [
            word for block in text.split("event: page")[1:] for word in dict.fromkeys(said) if word in block
        ] == said
        assert "event: over" in text

    @pytest.mark.parametrize("is_stored", [True, False])
    def test_a_recording_is_not_followed_for_longer_than_half_an_hour(self, browser, world, is_stored):
        events = (*TALKING[:4], TALKING[4], recorded(10), *TALKED[5:])
        call = world.place(*events, age=timedelta(minutes=3), wants_recording=True)

        async def wait():
            raise AssertionError("it is followed on")

        world.wait, world.recordings.out_of_reach = wait, not is_stored
        world.recordings.sounds[call.recording.key] = b"stereo"
        world.clock.advance((call.ended_at + timedelta(minutes=30) - world.clock.now()).total_seconds())
        assert self.events(browser, call) == ["page", "over"]

    def test_a_store_that_does_not_answer_is_said_and_asked_again(self, browser, world):
        call = world.place(CALLER_DIALLED, age=timedelta(seconds=5))
        path = f"/calls/{call.id}/live"
        steps = [lambda: setattr(world.calls, "out_of_reach", True), lambda: _end(world, call)]

        async def wait():
            steps.pop(0)()

        world.wait = wait
        text = browser.get(path).text
        assert re.findall("^event: (.+)$", text, re.MULTILINE) == ["page", "lost", "page", "over"]
        assert "data: calls" in text

    def test_an_unknown_call_has_no_stream(self, browser):
        assert browser.get("/calls/9_9_9_20261123090000/live").status_code == 404


def _over(world, call):
    ended = world.clock.now()
    world.calls.deliveries |= {
        (call.id, number): replace(next(iter(world.calls.deliveries.values()))) for number in range(2, 9)
    }
    return {"ending": EndReason.STOPPED, "ending_at": ended, "ended_at": ended}


def _end(world, call):
    world.calls.out_of_reach = False
    world.calls.change(call.id, **_over(world, call))


@pytest.mark.parametrize("reason", EndReason)
def test_every_code_beside_a_reason_has_its_row(browser, world, reason):
    call = world.place(*FAILED)
    ended = replace(world.calls.cdrs[call.id], reason=reason)
    world.calls.cdrs[call.id] = ended
    [code] = re.findall(r'href="/codes(#s\d+)"', browser.get(f"/calls/{call.id}").text)
    assert f'id="{code[1:]}"' in browser.get("/codes").text
