"""The line over trunks without its processes: which trunk, which host and which station a leg goes to."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from pstn.clocks import JumpingClock
from pstn.lines.trunk import line as module
from pstn.lines.trunk.line import TrunkLine
from pstn.lines.trunk.settings import EDGE, TrunkSettings
from pstn.recordings import wav_seconds
from pstn.trunks.failover import Then, then
from pstn.trunks.trunk_file import read

SHOWN, TO = "+12025550100", "+12025550111"
SECRET = "correct horse"  # nothing real
CODES = (401, 403, 407, 408, 500, 502, 503, 504, 404, 480, 486, 487, 488, 501, 600, 603)


class FakeStation:
    """Keeps what it is told to do."""

    def __init__(self, options, work, prompts, soon, happened, lost, *, name):
        self.options, self.happened, self.lost, self.name = options, happened, lost, name
        self.dialled, self.refused, self.told = [], [], []
        self.child = self

    def dial(self, call_id, **dial):
        self.dialled.append((call_id, dial))

    def refuse(self, leg, sip_code):
        self.refused.append((leg, sip_code))

    def __getattr__(self, command):
        return lambda *about, **more: self.told.append((command, *about))

    def hears(self, event, leg, **more):
        self.happened(self, {"event": event, "leg": leg, **more})

    @property
    def asked(self):
        """Trunk and host of each INVITE."""
        return [(dial["target"]["trunk"], dial["target"]["host"]) for _, dial in self.dialled]


class Story:
    """The listener, and the line with fake stations."""

    def __init__(self, tmp_path, trunks, **settings):
        rows = [{"name": "main", "hosts": ["198.51.100.1"], "display_numbers": [SHOWN], **each} for each in trunks]
        path = tmp_path / "trunks.yaml"
        path.write_text(yaml.safe_dump({"interface": "127.0.0.1", "trunks": rows}))
        self.clock, self.notes, self.ends, self.arrived, self.takes = (
            JumpingClock(datetime(2026, 11, 29, tzinfo=UTC)),
            [],
            {},
            [],
            True,
        )
        self.routed = True
        self.reasons: dict[str, str] = {}
        file = read(path, {"TRUNK_SECRET": SECRET})
        listener: Any = self
        self.line = TrunkLine(self.clock, listener, TrunkSettings(file, **settings))
        self.stations: list[Any] = list(self.line.stations)
        self.station = self.stations[0]

    def dial(self, *legs, beside=None):
        for leg in legs:
            self.line.dial(leg, SHOWN, TO, {}, beside)
        self.clock.run_for(0)
        return self

    def answers(self, leg, code, **more):
        self.station.hears("ended", leg, code=code, by="self", **more)
        self.clock.run_for(0)

    # -- pstn.lines.LineListener
    def later(self, seconds, run):
        return self.clock.call_later(seconds, run)

    def note(self, kind, number, **detail):
        self.notes.append((kind, detail.get("trunk"), detail.get("sip_code")))
        if "why" in detail:
            self.reasons[kind] = detail["why"]

    def ended(self, leg, code):
        self.ends[leg] = code

    def arrives(self, caller, called, headers):
        self.arrived.append((caller, called))
        return f"in-{len(self.arrived)}" if self.takes else None

    def takes_calls(self, number):
        return self.routed

    def __getattr__(self, method):
        return lambda *about: None

    def noted(self, kind):
        return [about for noted, *about in self.notes if noted == kind]


@pytest.fixture
def story(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Station", FakeStation)
    opened = []

    def begin(*trunks, **settings):
        opened.append(Story(tmp_path, trunks or ({},), **settings))
        return opened[-1]

    yield begin
    for each in opened:
        each.line.close()


TWO = {"hosts": ["198.51.100.1", "198.51.100.2"]}, {"name": "second", "hosts": ["198.51.100.3"]}


@pytest.mark.parametrize("rang", ["", "ringing", "progress"])
@pytest.mark.parametrize("code", CODES)
def test_a_leg_goes_on_as_the_table_of_failover_says(story, code, rang):
    one = story(*TWO).dial("leg")
    if rang:
        one.station.hears(rang, "leg")
    one.answers("leg", code)
    told = then(code, rang=bool(rang))
    asked = {
        Then.END: [("main", "198.51.100.1")],
        Then.NEXT: [("main", "198.51.100.1"), ("main", "198.51.100.2")],
        Then.NEXT_AND_ALARM: [("main", "198.51.100.1"), ("second", "198.51.100.3")],
    }
    assert one.station.asked == asked[told]
    assert one.ends == ({"leg": code} if told is Then.END else {})
    refused = [["main", code]] if code in (401, 403, 407) else []
    assert one.noted("trunk_refused_us") == refused, "an alarm, rung or not"


def test_the_code_of_the_last_host_ends_the_leg_unless_a_trunk_refused_our_credentials(story):
    one = story(*TWO).dial("leg", "other")
    for code in (503, 408, 504):
        one.answers("leg", code)
    for code in (407, 503):
        one.answers("other", code)
    assert one.ends == {"leg": 504, "other": 407}
    assert len(one.station.dialled) == 5


def test_a_note_says_why_a_trunk_was_not_reached(story):
    one = story(*TWO).dial("leg")
    one.station.hears("ended", "leg", code=503, by="network", why="main.example: nothing listens there")
    one.station.hears("registered", "", trunk="main", code=503, why="main.example: no DNS server answers")
    assert one.reasons == {
        "trunk_failed": "main.example: nothing listens there",
        "registration": "main.example: no DNS server answers",
    }


def test_a_leg_that_was_hung_up_is_not_dialled_again(story):
    one = story(*TWO).dial("leg")
    one.line.hang_up("leg", 0)
    one.answers("leg", 503)
    assert (len(one.station.dialled), one.ends) == (1, {})


def test_calls_at_once_and_in_a_second_are_refused_and_do_not_wait(story):
    at_once = story({"calls": 2}).dial("a", "b", "c")
    assert at_once.ends == {"c": 503}
    assert at_once.noted("no_room") == [["main", None]]
    at_once.answers("a", 486)
    assert len(at_once.dial("d").station.dialled) == 3, "the place of a leg that ended is free"

    in_a_second = story({"calls_per_second": 2}).dial("a", "b", "c")
    assert in_a_second.ends == {"c": 503}
    in_a_second.clock.run_for(1)
    assert len(in_a_second.dial("d").station.dialled) == 3


def test_a_full_trunk_leaves_the_call_to_the_next_one_of_its_display_number(story):
    one = story({"calls": 1, **TWO[0]}, TWO[1]).dial("a", "b")
    assert one.station.asked == [("main", "198.51.100.1"), ("second", "198.51.100.3")]
    assert [one.line.calls(trunk) for trunk in ("main", "second")] == [1, 1]


def test_no_trunk_has_the_display_number(story):
    one = story({"display_numbers": ["+12025550199"]}).dial("leg")
    assert one.ends == {"leg": 503}


def test_both_legs_of_a_call_are_in_one_station_and_a_new_call_in_the_emptiest(story):
    one = story({"calls_per_second": 9}, stations=2, calls_per_station=1)
    one.dial("a1").dial("a2", beside="a1").dial("b1").dial("b2", beside="b1").dial("c1")
    legs = [[leg for leg, _ in station.dialled] for station in one.stations]
    assert legs == [["a1", "a2"], ["b1", "b2"]]
    assert (one.ends, one.line.room) == ({"c1": 503}, 0)


@pytest.mark.parametrize(("calls", "ports", "room"), [(60, 100, 24), (60, 1000, 120), (6, 1000, 12), (60, 6, 0)])
def test_a_station_takes_no_more_calls_than_it_has_ports_for(story, calls, ports, room):
    one = story(stations=2, calls_per_station=calls)
    file = one.line.settings.file.model_copy(update={"rtp_ports": f"20000-{19_999 + ports}"})
    one.line.settings = replace(one.line.settings, file=file)
    assert one.line.room == room


def test_the_legs_of_a_station_that_dies_end_with_503(story):
    one = story().dial("a", "b")
    one.station.lost("a")
    assert one.ends == {"a": 503}


def test_a_recording_of_which_there_is_no_sound_is_empty(story):
    one = story()
    one.station.recordings = SimpleNamespace(take=lambda recording: None)
    assert wav_seconds(one.line.recorded("lost").read()) == 0.0


def incoming(**more):
    about = {"called": f"sip:{SHOWN}@127.0.0.1", "from": f"sip:{TO}@example.net", "asserted": "", "privacy": ""}
    return {"trunks": "main", **about, **more}


@pytest.mark.parametrize(
    ("more", "caller"),
    [
        ({}, TO),
        ({"from": "sip:2025550111@example.net"}, TO),
        ({"asserted": "sip:+12025550122@example.net"}, "+12025550122"),
        ({"asserted": "tel:+1-202-555-0122"}, "+12025550122"),
        ({"asserted": f"sip:{TO}@example.net", "privacy": "id;critical"}, "anonymous"),
        ({"from": "sip:anonymous@anonymous.invalid"}, "anonymous"),
        ({"from": "sip:reception@example.net"}, "anonymous"),
        ({"called": "sip:2025550100@127.0.0.1"}, TO),
        ({"called": f"sip:acme@127.0.0.1  sip:{SHOWN}@example.net"}, TO),
        ({"called": "sip:%2B12025550100;npdi@127.0.0.1"}, TO),
    ],
)
def test_a_call_from_a_trunk_arrives_in_e164(story, more, caller):
    one = story({"numbers": {"inbound": [{"match": r"(\d{10})", "replace": r"+1\1"}]}})
    one.station.hears("incoming", "t-1", **incoming(**more))
    assert (one.arrived, one.station.refused) == ([(caller, SHOWN)], [])
    assert one.line.calls("main") == 1
    one.line.hang_up("in-1", 486)
    assert ("hang_up", "in-1", 486) in one.station.told


def test_a_call_from_a_trunk_to_another_number_or_without_room_is_refused(story):
    one = story({"calls": 1})
    one.station.hears("incoming", "t-1", **incoming(called="sip:+12025550199@127.0.0.1"))
    one.takes = False  # the exchange: it drains
    one.station.hears("incoming", "t-2", **incoming())
    one.routed = False
    one.station.hears("incoming", "t-3", **incoming())
    one.dial("leg")
    one.station.hears("incoming", "t-4", **incoming())
    assert one.station.refused == [("t-1", 404), ("t-2", 503), ("t-3", 480), ("t-4", 503)]


def test_with_edges_they_are_asked_in_e164_and_what_they_tell_of_a_trunk_is_final(story):
    rows = {"numbers": {"outbound": [{"match": r"\+(\d+)", "replace": r"\1"}]}, "identity": {"pai": True}}
    direct = {"name": "direct", "hosts": ["198.51.100.9"], "edge": False}
    one = story(rows, direct, edges=("10.0.0.1:5060", "10.0.0.2:5060")).dial("leg", "other", "third")
    (_, dial), *_ = one.station.dialled
    assert (dial["uri"], dial["headers"]) == (f"sip:{TO}@10.0.0.1", {})
    assert dial["account"]["secret"] == ""
    assert [host for _, host in one.station.asked] == ["10.0.0.1", "10.0.0.2", "10.0.0.1"], "in turn"
    one.answers("leg", 503, trunk="main", refused_us=407)
    assert (one.ends, one.noted("trunk_refused_us")) == ({"leg": 407}, [["main", 407]])
    one.answers("other", 503, trunk="main")
    assert one.ends["other"] == 503, "the edge has asked every trunk"
    for _ in range(2):
        one.answers("third", 408)
    assert one.station.asked[3:] == [(EDGE, "10.0.0.2"), ("direct", "198.51.100.9")], "a dead edge"


def test_only_codecs_that_a_station_speaks_are_offered(story):
    (_, dial), *_ = story({"codecs": ["g722", "pcma", "opus"]}).dial("leg").station.dialled
    assert dial["account"]["codecs"] == ["pcma"]
    with pytest.raises(ValueError, match="trunk main: codecs: dialled directly, it needs pcmu or pcma"):
        story({"codecs": ["g722"]})
    story({"codecs": ["g722"]}, edges=("10.0.0.1:5060",))


def test_a_secret_that_the_library_cannot_send_is_refused_and_not_printed(story, monkeypatch):
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
    for secret in ('a"b', "a\\b", "a\tb"):
        monkeypatch.setattr(f"{__name__}.SECRET", secret)
        with pytest.raises(ValueError, match=r"trunk main: digest\.secret: dialled directly") as refused:
            story({"digest": digest})
        assert secret not in str(refused.value)


def test_no_secret_is_among_the_options_of_a_process(story):
    digest = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
    one = story({"digest": digest, "registration": {"expires": 90}}, stations=2)
    assert SECRET not in str(one.station.options(5060))
    assert one.stations[0].options(1)["rtp_ports"] != one.stations[1].options(1)["rtp_ports"]
    (_, dial) = one.dial("leg").station.dialled[0]
    assert (dial["account"]["user"], dial["account"]["secret"]) == ("acme", SECRET)
