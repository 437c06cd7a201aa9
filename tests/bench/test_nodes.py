"""What `make bench-nodes` judges by: gaps of captured RTP, processes by their role, and where a run breaks."""

import struct

import pytest

from bench.gaps import Gaps, gaps
from bench.nodes import role
from bench.nodes_report import NodeFigures, broken
from lab.telco.captures import UDP, Packet


def rtp(at: float, sequence: int, port: int = 30_000) -> Packet:
    head = struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, 0, 1)
    return Packet(at, UDP, "127.0.0.3", port, "127.0.0.9", 20_000, head + bytes(160))


def stream(*sent: tuple[float, int], port: int = 30_000) -> list[Packet]:
    """Of (milliseconds, sequence number)."""
    return [rtp(ms / 1000, sequence, port) for ms, sequence in sent]


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (stream((0, 7), (20, 8), (40, 9)), Gaps(1, 3, 20, 20, 0, 0)),
        (stream((0, 7), (20, 8), (61, 9)), Gaps(1, 3, 20, 41, 1, 0)),
        (stream((0, 7), (20, 9), (40, 10)), Gaps(1, 3, 20, 20, 0, 1)),
        (stream((0, 0xFFFF), (20, 0), (40, 1)), Gaps(1, 3, 20, 20, 0, 0)),
        (stream((0, 8), (20, 7), (40, 9)), Gaps(1, 3, 20, 20, 0, 0)),
        (stream((0, 7), (20, 8)) + stream((10, 900), (30, 901), port=30_002), Gaps(2, 4, 20, 20, 0, 0)),
        (stream((-50, 5), (0, 7), (20, 8), (150, 12)), Gaps(1, 2, 20, 20, 0, 0)),
        (stream((0, 7)), Gaps(1, 1)),
        ([], Gaps()),
    ],
    ids=["even", "late", "lost", "number-wraps", "overtaken", "two-streams", "outside-the-stretch", "one", "none"],
)
def test_spacings_and_losses_are_counted_in_each_stream_by_itself(packets, expected):
    found = gaps(packets, 0.0, 0.1)
    assert (round(found.p999_ms), round(found.worst_ms)) == (expected.p999_ms, expected.worst_ms)
    assert (found.streams, found.packets, found.late, found.lost) == (
        expected.streams,
        expected.packets,
        expected.late,
        expected.lost,
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/venv/bin/python -m pstn serve", "node"),
        ('/venv/bin/python -m pstn.lines.trunk {"sip_port": 1}', "stations"),
        ("/venv/bin/python -m lab.nodes.until_lab_ends /venv/bin/python -m pstn serve", "bench"),
        ("/venv/bin/python -m lab.nodes.until_lab_ends kamailio -f kamailio.cfg", "bench"),
        ("kamailio -f /run/edge/kamailio.cfg -DD", "Kamailio"),
        ("/usr/sbin/kamailio -f kamailio.cfg", "Kamailio"),
        ("rtpengine -f -E --config-file=rtpengine.conf", "rtpengine"),
        ("kamailio -f /run/company/kamailio.cfg -DD", "telephone company"),
        ("/venv/bin/python -m lab.nodes.until_lab_ends kamailio -f /run/company/kamailio.cfg", "bench"),
        ("sipp -sf scenario.xml", "telephones"),
        ("tcpdump -i lo -w /tmp/kamailio.pcap", "bench"),
        ("/venv/bin/python -m bench.nodes", "bench"),
        ("", "bench"),
    ],
)
def test_cpu_is_told_apart_by_the_command_line(command, expected):
    assert role(command) == expected


@pytest.mark.parametrize(
    ("joined", "packets", "lost", "why"),
    [
        (10, 10_000, 0, None),
        (10, 9_850, 9, None),
        (9, 10_000, 0, "1 were not joined"),
        (10, 9_700, 0, "9,700 of 10,000 packets were sent to the telephones"),
        (10, 9_900, 100, "100 packets were lost on their way to the telephones"),
    ],
)
def test_a_run_breaks_where_callbacks_are_refused_or_packets_are_not_heard(joined, packets, lost, why):
    """Ten callbacks of two legs, 50 packets a second each, for ten seconds."""
    heard = Gaps(packets=packets, lost=lost)
    assert broken(NodeFigures("directly", 10, joined=joined, seconds=10.0, gaps=heard)) == why
