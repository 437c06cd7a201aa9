"""The network's station dies in mid-call: every leg ends with a code, and the next call works."""

import threading

import pytest

from pstn.lines.virtual import answers
from tests.e2e.sip.sip_exchange import SipExchange, SipStory
from tests.pstn.scripted import SHOWN_A, A, bridge, hang_up, hang_up_the_rest, play

CALLBACK = {"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}


def threads_of_an_exchange() -> set[threading.Thread]:
    """Those that every exchange starts with; others of this process come and go with the lab's calls."""
    names = {"child-reader", "child-watch", "pstn-clock"}
    return {thread for thread in threading.enumerate() if thread.name in names}


@pytest.fixture(scope="module")
def own_exchange(tmp_path_factory):
    """One whose children may be killed."""
    before = threads_of_an_exchange()
    sip_exchange = SipExchange(tmp_path_factory.mktemp("own-sip_exchange"), silence_s=2)
    started = threads_of_an_exchange() - before
    assert {thread.name for thread in started} == {"child-reader", "child-watch", "pstn-clock"}
    yield sip_exchange
    sip_exchange.close()
    for thread in threads_of_an_exchange() - before:
        thread.join(10)
    assert threads_of_an_exchange() - before == set()


def codes(story: SipStory) -> dict[str, int]:
    """How each leg ended, by its tag."""
    ends = [event["ActionData"]["Parameters"] for event in story.events if event["InvocationEventType"] == "HANGUP"]
    return {end["ParticipantTag"]: end["SipResponseCode"] for end in ends}


@pytest.mark.parametrize("time", ["once", "twice"])
def test_killed_in_talk_and_the_next_call_works(own_exchange, time):
    story = SipStory(own_exchange, CALLBACK).place()
    story.run(lambda: "ACTION_SUCCESSFUL:CallAndBridge" in story.told)
    first = own_exchange.line.network.pid
    own_exchange.line.network.kill()
    story.run()
    assert codes(story) == {"LEG-A": 503, "LEG-B": 503}
    assert own_exchange.exchange.legs_up() == []
    after = SipStory(own_exchange, CALLBACK, b=answers(after=0.2, talks=0.3)).place().run()
    assert codes(after) == {"LEG-A": 0, "LEG-B": 0}
    assert own_exchange.line.network.pid != first


def test_killed_while_the_caller_rings(own_exchange):
    story = SipStory(own_exchange, CALLBACK, a=answers(after=8.0)).place()
    story.run(lambda: "RINGING" in story.told)
    own_exchange.line.network.kill()
    story.run()
    assert codes(story) == {"LEG-A": 503}


def test_killed_while_the_called_party_rings(own_exchange):
    """The bridge fails; the caller's leg is gone as well."""
    story = SipStory(own_exchange, {**CALLBACK, "ACTION_FAILED": [hang_up()]}, b=answers(after=8.0)).place()
    story.run(lambda: bool(story.b.calls) and story.b.calls[0].rang_at is not None)
    own_exchange.line.network.kill()
    story.run()
    assert codes(story)["LEG-A"] == 503
    assert own_exchange.exchange.legs_ringing() == []


def test_what_was_recorded_until_then_is_kept(own_exchange):
    def record(event):
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        destination = {"Type": "S3", "Location": "recordings"}
        return [
            {"Type": "StartCallRecording", "Parameters": {"CallId": leg, "Track": "BOTH", "Destination": destination}}
        ]

    story = SipStory(own_exchange, {**CALLBACK, "ACTION_SUCCESSFUL:CallAndBridge": record}).place()
    story.run(lambda: "ACTION_SUCCESSFUL:StartCallRecording" in story.told)
    killed = threading.Event()

    def kill() -> None:
        own_exchange.line.network.kill()
        killed.set()

    story.after(1.5, kill)
    assert killed.wait(60)
    story.run()
    objects = own_exchange.recordings.objects
    assert own_exchange.wait(lambda: any(story.transaction in key for _, key in list(objects)))
    ((body, _),) = [value for (_, key), value in objects.items() if story.transaction in key]
    assert 0.7 < (len(body) - 44) / (8000 * 4) < 4.0


def test_the_phones_die(own_exchange):
    """As handsets that vanish: the network notices by their silence; later calls find new phones."""
    story = SipStory(own_exchange, CALLBACK).place()
    story.run(lambda: "ACTION_SUCCESSFUL:CallAndBridge" in story.told)
    own_exchange.line.scripted_phones.kill()
    story.run()
    assert codes(story).keys() == {"LEG-A", "LEG-B"}
    after = SipStory(own_exchange, {"CALL_ANSWERED": [play(), hang_up()]}).place().run()
    assert after.told[-1] == "HANGUP:LEG-A"


def test_a_call_placed_while_there_is_no_child_waits_for_the_next(own_exchange):
    story = SipStory(own_exchange, {"CALL_ANSWERED": [hang_up()]})
    network = own_exchange.line.network.child
    killed = network.generation
    network.kill()
    assert own_exchange.wait(lambda: not network.ready or network.generation > killed), "its death was noticed"
    story.place().run()
    assert story.told[-1] == "HANGUP:LEG-A"
    assert story.a.calls[0].saw == SHOWN_A
    assert story.a.number == A
