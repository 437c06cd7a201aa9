"""What an edge's page of metrics becomes for CloudWatch, minute by minute."""

import json
from http.client import IncompleteRead
from unittest.mock import Mock
from urllib.error import URLError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pstn.host import command, journal
from pstn.host.command import main
from pstn.host.edge_metrics import EdgeMetrics, samples
from pstn.lines.sip.child import free_port

# As Kamailio 5.6 writes it, of a trunk where we register and of one that is down.
PAGE = """# User defined metrics
kamailio_edge_invites{trunk="first"} 1 1795935655178
kamailio_edge_refused{trunk="first"} 2 1795935655178
kamailio_edge_refused{trunk="second"} 0 1795935655178
kamailio_edge_limited{trunk="first"} 0 1795935655178
kamailio_edge_limited{trunk="second"} 7 1795935655178
kamailio_edge_foreign 3 1795935655178
kamailio_edge_calls{trunk="first"} 12.000000 1795935655178
kamailio_edge_calls{trunk="second"} 0.000000 1795935655178
kamailio_edge_registered{trunk="first"} 1.000000 1795935655178
kamailio_edge_up{trunk="first"} 1.000000 1795935655178
kamailio_edge_up{trunk="second"} 0.000000 1795935655178
kamailio_edge_host_up{trunk="first", host="192.0.2.4:5060"} 1.000000 1795935655178
kamailio_edge_host_up{trunk="second", host="192.0.2.5:5060"} 0.000000 1795935655178
"""
ABOUT = {"LogGroup": "/duologue/pstn/edges", "Group": "pstn-edge-a"}


class Minutes:
    """An edge whose page a test writes; an exception is raised instead."""

    def __init__(self) -> None:
        self.page: str | Exception = PAGE
        self.rtpengine = True
        self._source = EdgeMetrics(ABOUT["LogGroup"], ABOUT["Group"], self._read, lambda: self.rtpengine)

    def _read(self) -> str:
        if isinstance(self.page, Exception):
            raise self.page
        return self.page

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self._source(1_800_000_000.5)]

    def next(self) -> dict[str | None, dict]:
        """Trunk, None for the edge itself → the values of its line."""
        return {
            each.pop("Trunk", None): {name: each[name] for name in each.keys() - {"_aws", *ABOUT}}
            for each in self.lines()
        }

    def refused(self, counted: int) -> float:
        self.page = f'kamailio_edge_up{{trunk="first"}} 1\nkamailio_edge_refused{{trunk="first"}} {counted}'
        return self.next()["first"]["CredentialsRefused"]


def test_each_trunk_has_its_figures_and_the_edge_says_what_runs():
    assert Minutes().next() == {
        "first": {"TrunkUp": 1, "Registered": 1, "Calls": 12, "CredentialsRefused": 0, "LimitRefusals": 0},
        "second": {"TrunkUp": 0, "Calls": 0, "CredentialsRefused": 0, "LimitRefusals": 0},
        None: {"KamailioUp": 1, "RtpengineUp": 1},
    }


def test_a_trunk_is_counted_under_its_edge_and_with_all_edges_of_the_log_group():
    first, _, edge = Minutes().lines()
    [of_trunk], [of_edge] = (each["_aws"]["CloudWatchMetrics"] for each in (first, edge))
    assert of_trunk["Dimensions"] == [["LogGroup", "Group", "Trunk"], ["LogGroup"]]
    assert of_edge["Dimensions"] == [["LogGroup", "Group"]]
    assert {each["Name"] for each in of_trunk["Metrics"]} == first.keys() - {"_aws", "Trunk", *ABOUT}
    assert all(each.items() >= ABOUT.items() for each in (first, edge))
    assert first["_aws"]["Timestamp"] == 1_800_000_000_500


def test_a_counter_is_told_of_the_last_minute_alone():
    """What was counted before the first page was told by the process before this one."""
    edge = Minutes()
    assert [edge.refused(counted) for counted in (40, 40, 43, 43)] == [0, 0, 3, 0]


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ((40, 2, 3), [0, 2, 1]),  # Kamailio was restarted
        ((40, "down", 41), [0, "down", 1]),  # it did not answer in time
        ((40, "down", 2), [0, "down", 2]),
        (("down", 2), ["down", 2]),  # it started after us
        (("late", 40, 41), ["late", 0, 1]),  # it may have run for long
    ],
)
def test_counters_of_a_kamailio_that_was_restarted(pages, told):
    edge, found = Minutes(), []
    for page in pages:
        if isinstance(page, str):
            edge.page = URLError(ConnectionRefusedError()) if page == "down" else TimeoutError()
            assert edge.next() == {None: {"KamailioUp": 0, "RtpengineUp": 1}}
        found.append(page if isinstance(page, str) else edge.refused(page))
    assert found == told


def test_a_trunk_that_is_new_counts_from_0():
    edge = Minutes()
    edge.next()
    edge.page = PAGE + 'kamailio_edge_up{trunk="third"} 1\nkamailio_edge_limited{trunk="third"} 4\n'
    assert edge.next()["third"]["LimitRefusals"] == 4


def test_a_certificate_that_ends_soon_is_measured_and_logged_once_a_day(caplog):
    left, day = [30, 29, 29, -3], 86_400.0
    edge = EdgeMetrics("logs", "edge", lambda: PAGE, lambda: True, lambda: left.pop(0))
    logged = []
    for now in (0.0, 60.0, 120.0, 60.0 + day):
        *_, line = map(json.loads, edge(now))
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert (directive["Dimensions"], line["LogGroup"]) == ([["LogGroup"]], "logs")
        logged.append((line["CertificateDays"], len(caplog.records)))
    assert logged == [(30, 0), (29, 1), (29, 1), (-3, 2)]
    assert caplog.messages == ["the certificate of the edge ends in 29 days", "the certificate of the edge has ended"]


@pytest.mark.parametrize(
    "page", [TimeoutError(), IncompleteRead(b""), "", "<html>\x00</html>", "kamailio_edge_foreign 3", "x" * 100_000]
)
def test_a_page_that_is_none_means_that_kamailio_does_not_run(page):
    edge = Minutes()
    edge.page, edge.rtpengine = page, False
    assert edge.next() == {None: {"KamailioUp": 0, "RtpengineUp": 0}}


@pytest.mark.parametrize(
    "line",
    [
        'kamailio_edge_up{trunk="third"',
        'kamailio_edge_up{trunk="third"} NaN',
        'kamailio_edge_up{trunk="third"} +Inf 1795935655178',
        'kamailio_edge_up{trunk=""} 1',
        "kamailio_edge_up 1",
        'kamailio_edge_up{trunk="third"} up',
        "# TYPE kamailio_edge_up nothing",
        "# HELP",
        '{} 1 {trunk="third"',
        'another{trunk="third"} 1',
    ],
)
def test_a_line_that_is_none_of_a_trunk_changes_nothing(line):
    edge = Minutes()
    before = edge.next()
    edge.page = f"{line}\n{PAGE}{line}\n"
    assert edge.next() == before


@given(st.text() | st.text('kamailio_edge_up{}trunk=",# TYPEHLncgau\\01.e- ').map(lambda text: f"{text}\n{text}"))
def test_no_text_stops_it(text):
    edge = Minutes()
    edge.page = text
    edge.lines()
    samples(PAGE + text)


@pytest.mark.parametrize("is_edge", [True, False])
def test_the_command_sends_them_with_the_journal_where_the_setting_names_an_edge(monkeypatch, tmp_path, is_edge):
    sent: list[str] = []
    monkeypatch.setattr(command, "_client", Mock())
    monkeypatch.setattr(command, "Instance", Mock())
    monkeypatch.setattr(journal, "Sender", Mock())
    monkeypatch.setattr(journal, "Journal", Mock())
    monkeypatch.setattr(journal, "forward", lambda _journal, _sender, measured: sent.extend(measured()))
    monkeypatch.setenv("DUOLOGUE_HOST_LOG_GROUP", ABOUT["LogGroup"])
    monkeypatch.setenv("DUOLOGUE_HOST_GROUP", ABOUT["Group"])
    if is_edge:
        monkeypatch.setenv("DUOLOGUE_HOST_EDGE_METRICS", f"http://127.0.0.1:{free_port()}/metrics")
        monkeypatch.setenv("DUOLOGUE_HOST_RTPENGINE", f"127.0.0.1:{free_port()}")
    assert main(["logs", "--unit", "any", "--position", str(tmp_path / "position")]) == 0
    disk, *edge = map(json.loads, sent)
    assert disk["Group"] == ABOUT["Group"] and "DiskUsed" in disk
    nothing = {**ABOUT, "KamailioUp": 0, "RtpengineUp": 0}
    assert [{name: each[name] for name in each.keys() - {"_aws"}} for each in edge] == [nothing] * is_edge


@pytest.mark.parametrize(
    ("name", "value"),
    [("DUOLOGUE_HOST_EDGE_METRICS", "127.0.0.1:9101"), ("DUOLOGUE_HOST_RTPENGINE", "22222")],
)
def test_a_wrong_setting_is_named(monkeypatch, capsys, tmp_path, name, value):
    monkeypatch.setenv("DUOLOGUE_HOST_LOG_GROUP", "any")
    monkeypatch.setenv("DUOLOGUE_HOST_EDGE_METRICS", "http://127.0.0.1:9101/metrics")
    monkeypatch.setenv(name, value)
    assert main(["logs", "--unit", "any", "--position", str(tmp_path / "position")]) == 1
    said = capsys.readouterr().err
    assert name in said and repr(value) in said
