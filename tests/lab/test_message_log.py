"""The log of the stand-in telephone company's SIP messages."""

from contextlib import closing

from lab.telco.message_log import MessageLog

MESSAGE = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n"


def hep(payload: bytes) -> bytes:
    """A packet as Kamailio's siptrace sends it: HEP3, its length, and chunks of vendor, kind, length and value."""
    values = {
        3: bytes([192, 0, 2, 1]),
        4: bytes([192, 0, 2, 2]),
        7: (5060).to_bytes(2),
        8: (5060).to_bytes(2),
        9: (1).to_bytes(4),
        10: (0).to_bytes(4),
        15: payload,
    }
    chunks = b"".join(
        b"\0\0" + kind.to_bytes(2) + (6 + len(value)).to_bytes(2) + value for kind, value in values.items()
    )
    return b"HEP3" + (6 + len(chunks)).to_bytes(2) + chunks


def test_a_message_that_is_being_written_is_left_out(tmp_path):
    with closing(MessageLog(tmp_path / "messages")) as log:
        log.datagram_received(hep(MESSAGE), ("127.0.0.1", 1))
        with log.file.open("a") as out:
            out.write('{"at": 1.0, "sour')
        assert [(each.first, each.source) for each in log.messages()] == [("OPTIONS sip:a@b SIP/2.0", "192.0.2.1:5060")]
